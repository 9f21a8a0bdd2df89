"""The room 'mailbox'."""
