"""The probe: one run against an endpoint (`run.run`), as a stream of events that ends in one report.

Usable on its own (`python -m app.probe BASE_URL MODEL_ID`): no Flask and no database in here. This file
imports nothing, so that who needs one module of it, as the settings do, does not load them all.
"""
