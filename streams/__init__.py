"""Streams: counting events exactly, and everything that keeps the counts right. Imports point downwards in this order.

audit, rebuild, worker, (alerts, dead_letters, reports), storage, broker, (http, monitoring, queries), counting, errors.
"""
