"""What speaks IMAP, over one adapter of imapclient."""
