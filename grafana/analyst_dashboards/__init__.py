"""Dashboards for analysts, one per module; each links to the next finer one."""
