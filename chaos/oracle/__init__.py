"""The oracle: what must be stored after some events, computed in another way than counting does it.

Counting folds events into registers in any order, and adds differences to windows. The oracle sorts all events of a
case and replays them into a mutable state, in which the later overrides the earlier; then it counts everything once.
It shares no code with counting but the events themselves, so that a mistake on either side shows as a difference.
"""
