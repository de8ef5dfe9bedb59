"""The tables of the watch: health, incidents, the feed of events, channels."""
