"""The room 'catalogue'."""
