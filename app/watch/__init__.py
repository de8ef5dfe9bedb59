"""What is in stays watched: what is due, health and its changes, incidents, history, and who is told."""
