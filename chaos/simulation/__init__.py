"""The deterministic simulation: the real counting, against every fault that a seed gives, in one thread."""
