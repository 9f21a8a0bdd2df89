"""The room 'care'."""
