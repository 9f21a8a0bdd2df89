"""Jinja2 templates of the pages that are handed over, French and English."""
