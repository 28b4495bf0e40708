"""The worker: a thin Faust agent that feeds counting and acknowledges what is stored, and what it reports of itself.

No rule of counting may be here, and nothing that rebuilds or audits.
"""
