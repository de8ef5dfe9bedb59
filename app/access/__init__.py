"""Who acts: people, tokens, actors and the audit log."""
