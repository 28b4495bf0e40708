"""The fault harness: everything that tries to make the counts wrong."""
