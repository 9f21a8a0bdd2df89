"""The query language: from what a user types to a Query tree."""
