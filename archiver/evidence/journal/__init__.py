"""The journal: entries in canonical form, their leaves, their tree, their database."""
