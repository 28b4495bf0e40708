"""The fault harness: faults at random against counting, and an oracle that knows what must come out of it."""
