"""gunicorn's threaded worker, with deadlines for what callers send and take: it has none of its own.

Without them, a caller that sends six bytes and nothing more holds a thread for good, and so does one that
asks for a few pages and reads none.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

HEAD_WITHIN_S = 8.0
"""For the line and the headers of a request, from the moment that a thread waits for them."""
BODY_WITHIN_S = 60.0
"""For its body, from the end of the headers: 1 MiB at most, so 18 KiB/s are enough."""
TAKEN_WITHIN_S = 10.0
"""For a piece of an answer, from when it is sent, and a second more for each `TAKEN_A_SECOND` bytes."""
TAKEN_A_SECOND = 32 * 1024


class PatientSocket(socket.socket):
    """A caller's connection; BrokenPipeError where what is sent is not taken in time."""

    within_s = TAKEN_WITHIN_S

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it."""
        with self._patient(len(data)):
            super().sendall(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file, each piece of it in time."""
        with self._patient(0):
            return super().sendfile(file, offset, count)

    @contextmanager
    def _patient(self, size: int) -> Iterator[None]:
        before = self.gettimeout()
        self.settimeout(self.within_s + size / TAKEN_A_SECOND)
        try:
            yield
        except TimeoutError:
            # What gunicorn knows as a caller that left.
            raise BrokenPipeError(errno.EPIPE, "not taken in time") from None
        finally:
            with suppress(OSError):
                self.settimeout(before)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Nothing more is read from a caller after the deadline; what is being answered then goes out still."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """A connection with a request goes to a thread; before its first one, what it is sent by changes."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(fileno=conn.sock.detach())
        super().enqueue_req(conn)

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
