"""Simulated endpoints: a well-behaved base and, for every field report, the one thing that is different."""
