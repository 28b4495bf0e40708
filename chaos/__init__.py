"""The fault harness: attacks that try to make the counts wrong, and an oracle that computes the expected counts."""
