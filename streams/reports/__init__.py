"""Figures for people and programs, read from the views, which have every figure that is computed here.

Only what no view can show is judged here, by the rules themselves: what another rule, calendar or catalogue would say.
"""
