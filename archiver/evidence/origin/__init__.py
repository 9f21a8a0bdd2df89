"""Who sent a record, as far as others signed it: DKIM, ARC, Authentication-Results."""
