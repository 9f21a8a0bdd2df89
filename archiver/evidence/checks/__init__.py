"""Check an archive against itself; nothing is repaired."""
