"""The fault harness: everything that tries to make the counts wrong, and an oracle that knows what must come out."""
