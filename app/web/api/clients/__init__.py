"""Calls that clients of other programs make: what they read and send is decided there."""
