"""A fictional engagement, the mailbox it left behind, and a tour of the archiver over it."""
