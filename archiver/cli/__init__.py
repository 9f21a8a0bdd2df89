"""The room 'cli'."""
