"""Ports for servers that have to be told theirs before they start."""

from __future__ import annotations

import random
import socket

# Below those that the system gives to whoever asks for any (from 32768 on with Linux, 49152 elsewhere), or
# another of the tests at once could be given it before the server is there.
_FIRST, _LAST = 15_000, 32_000


def free_port() -> int:
    """A port of loopback that nothing listens on at this moment, nor is likely to in the next."""
    while True:
        port = random.SystemRandom().randint(_FIRST, _LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
