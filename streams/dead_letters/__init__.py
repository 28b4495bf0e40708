"""Lines that cannot be counted: their topic, their table, and what may become of them."""
