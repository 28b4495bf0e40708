"""The audit: it recomputes every window from facts and every fact from raw events, and reports each difference.

An audit cuts the log before it reads anything else (`streams.audit.cutoff`): whatever is counted meanwhile is behind
the cut. So it is exact under any traffic, and finishes in one pass. Nothing here may change what it checks.
"""
