"""Figures for people and programs, read from the views. No figure may be computed here that a view does not have."""
