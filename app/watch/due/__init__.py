"""Which models are due, when each is looked at, and whose turn it is at an endpoint."""
