"""The inbox: records of producers that are not ours become events, by our own form or by a mapping."""
