"""Endpoints: found or made, changed for all of their models at once, given as the API shows them."""
