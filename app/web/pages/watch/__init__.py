"""What the watch brings: the first page, the health of models, channels, maintenance."""
