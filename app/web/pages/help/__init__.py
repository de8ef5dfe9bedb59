"""The help: the pages of docs/, as they are on disk, and the reference of error codes."""
