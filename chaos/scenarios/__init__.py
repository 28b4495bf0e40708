"""What is done to a deployment: each scenario is a function of a city and a scale, and returns how many faults it was.

A scenario sends events and does harm; the runner then holds everything that was sent against everything stored.
"""
