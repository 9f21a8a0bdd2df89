"""The values that cross rooms: frozen, without input or output."""
