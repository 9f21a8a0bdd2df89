"""Search engines behind one protocol, and one query language for all of them.

This package knows nothing of mail archives; it is a plain top-level package so that it can be
used, tested and replaced on its own (docs/decisions/0002-index-package.md).
"""
