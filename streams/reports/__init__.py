"""Figures for people and programs, read from the views."""
