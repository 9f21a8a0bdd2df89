"""The one way in, and the order in which it goes; nowhere else stands the order.

1. ``keep``: fetch or read files, make bytes durable, journal them.
2. ``level``: read, tag and catalogue what was journalled, then index it.

Bytes first, meaning later. The second half never calls the first, and needs nothing of it but the
journal.
"""
