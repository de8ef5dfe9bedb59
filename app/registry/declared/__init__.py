"""What people declare of models besides the request: labels, and a file with all that is wanted."""
