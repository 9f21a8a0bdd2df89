"""Searching: a query is split between catalogue and engine, merged, highlighted, presented."""
