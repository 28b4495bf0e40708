"""Simulated traffic of a city, generated from a seed and without any personal data."""
