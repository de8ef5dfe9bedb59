"""Tests of app.watch."""
