"""The proof of one record, to be checked without the archiver."""
