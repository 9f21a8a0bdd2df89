"""The daemon: every account kept synchronised, one writer, watched by the system."""
