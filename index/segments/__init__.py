"""An index on disk: segments, commits, and the engine that keeps them in Whoosh's format."""
