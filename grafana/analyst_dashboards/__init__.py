"""Dashboards for analysts, one a module; each leads to the next finer one."""
