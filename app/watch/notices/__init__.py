"""Who is told of what: messages, their words, and sending them."""
