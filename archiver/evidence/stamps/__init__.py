"""Time-stamps of third parties on checkpoints (RFC 3161)."""
