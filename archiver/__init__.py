"""Keep client mail, find past commitments in it, and hand over a dossier that can be verified."""

__version__ = "0.1.0"
SOFTWARE = f"archiver/{__version__}"
"""What journal entries name as the program that wrote them."""
