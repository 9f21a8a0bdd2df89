"""The room 'evidence'."""
