"""The room 'search'."""
