"""The search of the header, and what a person opened last."""
