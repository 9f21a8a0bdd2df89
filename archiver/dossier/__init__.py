"""The room 'dossier'."""
