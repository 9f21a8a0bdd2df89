"""What others signed of a message: DKIM, ARC and Authentication-Results, read and verified."""
