"""Endpoints: the list, one endpoint, its key and settings, and many models of it at once."""
