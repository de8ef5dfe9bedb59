"""What the answer of a chat or completion model says: as one value, in pieces, and while it comes."""
