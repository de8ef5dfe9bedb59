"""The page that registers or edits a model."""
