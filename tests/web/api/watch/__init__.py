"""Tests of app.web.api.watch."""
