"""Mail from files: .eml, Maildir, mbox."""
