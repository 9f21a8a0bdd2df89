"""The room 'engagements'."""
