"""The chat model: its proof, and its capabilities as questions."""
