"""Bytes to headers and parts, over one adapter of mail-parser."""
