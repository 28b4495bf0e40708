"""Malformed and hostile input, made by seeded generators, for whatever reads what others send."""
