"""The room 'reading'."""
