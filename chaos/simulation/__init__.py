"""The deterministic simulation: the real counting, against every fault that a seed can think of, in one thread."""
