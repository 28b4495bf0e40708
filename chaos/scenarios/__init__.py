"""Attacks on a deployment: each scenario is a function of a deployment and a scale, and returns its number of faults.

A scenario sends events and injects faults; the runner then compares everything that was sent with everything stored.
"""
