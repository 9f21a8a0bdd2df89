"""All that speaks IMAP, finds credentials, reads messages from files. Opens nothing to write."""
