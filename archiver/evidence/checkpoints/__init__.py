"""Checkpoints: the signed root of the tree, and what is remembered outside the archive."""
