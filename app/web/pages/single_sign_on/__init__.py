"""Signing in through an OpenID Connect provider: talking to it, and the routes."""
