"""Muster as a running program: its web server and its workers."""
