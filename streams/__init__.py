"""Counting: pure rules, the batch core, the store and thin Faust agents."""
