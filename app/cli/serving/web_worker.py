"""gunicorn's threaded worker, with a deadline for what callers send: it has none of its own.

Without one, a caller that sends six bytes and nothing more holds a thread for good.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

HEAD_WITHIN_S = 8.0
"""For the line and the headers of a request, from the moment that a thread waits for them."""
BODY_WITHIN_S = 60.0
"""For its body, from the end of the headers: 1 MiB at most, so 18 KiB/s are enough."""


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Nothing more is read from a caller after the deadline; what is being answered then goes out still."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """One request, in a thread."""
        self._reading[conn] = time.monotonic() + HEAD_WITHIN_S
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The same from where its headers are read."""
        self._reading[conn] = time.monotonic() + BODY_WITHIN_S
        return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """gunicorn calls this every second, to end connections that are idle; here the slow ones too."""
        moment = time.monotonic()
        for conn, until in list(self._reading.items()):
            if until < moment:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)  # the thread reads an end, and lets go
        super().murder_keepalived(force)
