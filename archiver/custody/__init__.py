"""Who may see, keep or remove records, and the life of the archive as a whole."""
