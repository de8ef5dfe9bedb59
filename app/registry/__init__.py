"""The main job: validate, probe, save; and what is told of a registered model."""
