"""The list of models and the pages of one model."""
