"""What counting a batch takes, in units of one plain event: a batch ends once it takes enough.

The time of a batch must have a bound whatever is in it, so each weight belongs to a step whose time grows with what is
stored or sent. `bench/hot.py` measures a worst case for each.
"""

MAX_EFFORT = 150_000
"""So many plain events take a few seconds and some hundred MB."""
MAX_FACTS_BYTES = 32 << 20
"""Registers that are read at once at most; in memory they take ten times as much."""
EVENT = 1
DELTA = 1
"""A change of a window by an event."""
WINDOW_READ = 5
"""A window that is read from the store. In a large table each may lie in a granule of its own: 1 to 2 ms."""
JUDGING = 5
"""An ended dossier that stops or extensions may have moved is judged by all rules."""
JUDGED_REGISTERS = 4
"""So many registers of such a dossier are gone through in the time of an event."""
BYTES = 256
"""So many bytes of a dossier's registers are unpacked, packed and written again in the time of an event."""
