"""The configuration file of LiteLLM: read, and written."""
