"""Benchmarks: how fast counting is, and what people would use instead, measured in the same run."""
