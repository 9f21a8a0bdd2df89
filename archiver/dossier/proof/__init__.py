"""The proof of one record: a folder that shows, without us, what was kept and since when."""
