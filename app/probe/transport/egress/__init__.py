"""Out to the network: which addresses may be contacted, and connecting to those alone."""
