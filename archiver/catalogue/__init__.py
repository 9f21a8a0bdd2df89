"""The catalogue: what is known about records, in one SQLite file that can be made again."""
