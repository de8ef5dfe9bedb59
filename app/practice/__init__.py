"""The practice endpoint, to try everything without an endpoint or key of your own. Standard library only."""
