"""Care for the archive: working copies, checks, rebuild, status, and what a person decides."""
