"""Counting anew: logs that can be replayed, the exchange of tables, and moving the group of workers."""
