"""Incidents: the list of them, and one with its timeline."""
