"""A light HTTP client that asks the same thing again and again over a few connections.

It does as little as it can, since it shares the processors with what it measures.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONNECTIONS = 4
"""Two keep one web worker busy; with many more, the quarrels of threads are measured instead of the work."""


class Refused(Exception):
    """Something else came back than what was expected."""


class _Connection:
    """One kept-alive connection: what is still to come of its answer."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = b""
        self.missing = -1

    def take(self, status: bytes) -> bool:
        """Read what has come; whether the answer is whole now."""
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise Refused("the connection was closed")
        if self.missing >= 0:
            self.missing -= len(piece)
            return self.missing == 0
        self.read += piece
        end = self.read.find(b"\r\n\r\n")
        if end < 0:
            return False
        if self.read[9:12] != status:
            raise Refused(self.read[:500].decode(errors="replace"))
        length = _LENGTH.search(self.read, 0, end)
        whole = end + 4 + (int(length.group(1)) if length else 0)
        self.missing = whole - len(self.read)
        self.read = b""
        return self.missing == 0


def request_for(url: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a GET."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def _connections(url: str) -> Iterator[list[_Connection]]:
    parts = urlsplit(url)
    made = [_Connection((parts.hostname or "", parts.port or 80)) for _ in range(CONNECTIONS)]
    try:
        yield made
    finally:
        for one in made:
            one.socket.close()


def rate(urls: Sequence[str], headers: Mapping[str, str], for_s: float, status: int = 200) -> float:
    """Answers a second over some connections that ask for one of `urls` after the other.

    Refused where an answer has another status.
    """
    requests = cycle([request_for(url, headers) for url in urls])
    wanted, done = str(status).encode(), 0
    with _connections(urls[0]) as connections, selectors.DefaultSelector() as ready:
        begun = time.perf_counter()
        for one in connections:
            ready.register(one.socket, selectors.EVENT_READ, one)
            one.socket.sendall(next(requests))
        while time.perf_counter() - begun < for_s:
            for key, _ in ready.select(5):
                one = key.data
                if one.take(wanted):
                    one.missing = -1
                    done += 1
                    one.socket.sendall(next(requests))
        return done / (time.perf_counter() - begun)
