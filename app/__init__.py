"""Muster: a registry for LLM endpoints that lets in only what it has seen working."""
