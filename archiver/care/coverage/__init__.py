"""Coverage: what was looked at, what was kept, what was not, and why (docs/coverage.md)."""
