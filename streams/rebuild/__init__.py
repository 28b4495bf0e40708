"""Counting everything again into new tables, exchanging them, and setting the group's offsets.

No rule of counting may be here: a rebuild counts with the same core as workers do.
"""
