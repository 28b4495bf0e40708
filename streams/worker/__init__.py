"""The worker: a thin Faust agent around counting, and what it tells of itself."""
