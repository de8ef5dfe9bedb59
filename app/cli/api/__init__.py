"""Commands that are clients of the JSON API, of this machine's Muster or of one elsewhere."""
