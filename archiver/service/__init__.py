"""Files by which systems run the archiver: made as text, and put where the system looks."""
