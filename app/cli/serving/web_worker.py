"""gunicorn's threaded worker, with deadlines for what callers send and take: it has none of its own.

Without them, a caller that sends six bytes and nothing more holds a thread for good, and so does one that
asks for a few pages and reads none.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import _DEFER, ThreadWorker


class Within(NamedTuple):
    """Seconds that a caller has to send something; fewer while every thread is taken."""

    calm_s: float
    full_s: float


HEAD = Within(8, 2)
"""For the line and the headers of a request, from the moment that a thread waits for them."""
BODY = Within(60, 15)
"""For its body, from the end of the headers: 1 MiB at most, so 18 KiB/s are enough, or 70."""
TAKEN_WITHIN_S = 10.0
"""For a piece of an answer, from when it is sent, and a second more for each `TAKEN_A_SECOND` bytes."""
TAKEN_A_SECOND = 32 * 1024
PARTING_S = 2.0
"""For closing the connection after the last answer."""
_PAUSE_S = 0.05
_GLANCE_S = 1.0
"""So often somebody who waits for a caller looks whether there is a hurry."""


class PatientSocket(socket.socket):
    """A caller's connection: what is not sent in time is taken as its end, and what is not taken in time
    is a BrokenPipeError.
    """

    within_s = TAKEN_WITHIN_S
    _began = 0.0
    _sent_within = HEAD
    _is_full: Callable[[], bool] = staticmethod(lambda: False)

    def expect(self, within: Within, is_full: Callable[[], bool]) -> None:
        """Begin to count the time that the caller has for what comes next."""
        self._began, self._sent_within, self._is_full = time.monotonic(), within, is_full

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """What the caller sends; b"", as from one that left, where it does not come in time.

        Only who waits here is cut off. A connection whose request is being answered stays whole: by its
        end a probe would take its browser for gone.
        """
        if self.gettimeout() is not None:  # gunicorn does not wait, or has a deadline of its own
            return super().recv(bufsize, flags)
        try:
            while (left := self._left_s()) > 0:
                self.settimeout(min(left, _GLANCE_S))
                with suppress(TimeoutError):
                    return super().recv(bufsize, flags)
            return b""
        finally:
            with suppress(OSError):
                self.settimeout(None)

    def _left_s(self) -> float:
        within = self._sent_within.full_s if self._is_full() else self._sent_within.calm_s
        return self._began + within - time.monotonic()

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
    """A caller that sends nothing holds no thread; one that sends slowly holds it until the deadline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._served: set[Any] = set()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Leave at once; what the threads are about ends with the process.

        Ctrl-C reaches a worker twice, from the terminal and from the arbiter. gunicorn's own shuts the pool
        of threads down first: the second, within the first, would wait for a lock that the first holds, until
        the arbiter kills the worker and says that memory may be short.
        """
        super(ThreadWorker, self).handle_quit(sig, frame)

    def _is_full(self) -> bool:
        return len(self._served) >= int(self.cfg.threads)

    def enqueue_req(self, conn: Any) -> None:
        """A connection with a request goes to a thread; a new one first waits, without one, for a byte."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(fileno=conn.sock.detach())
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        nothing_yet: Future[object] = Future()
        nothing_yet.set_result(_DEFER)
        self.finish_request(conn, nothing_yet)

    def accept(self, listener: socket.socket) -> None:
        """A new connection. Where the system gives no more of them, those that sent nothing go first."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._let_idle_go()
            time.sleep(_PAUSE_S)  # else this thread would do nothing but ask again

    def murder_pending(self) -> None:
        """gunicorn calls this every second, to end connections that sent nothing; soon, where it is full."""
        if self.nr_conns >= self.worker_connections:
            self._let_idle_go()
        super().murder_pending()

    def _let_idle_go(self) -> None:
        moment = time.monotonic()
        for conn in self.pending_conns:
            if conn.timeout < moment + self.cfg.keepalive - HEAD.full_s:
                conn.timeout = moment

    def handle(self, conn: Any) -> Any:
        """One request, in a thread."""
        self._served.add(conn)
        conn.sock.expect(HEAD, self._is_full)
        try:
            stays = super().handle(conn)
            if not stays:
                self._part(conn.sock)
            return stays
        finally:
            self._served.discard(conn)

    def _part(self, sock: socket.socket) -> None:
        """Wait for the caller to close its side too, so that none of the answer is lost (RFC 9112, 9.6).

        gunicorn would wait in the one thread that gives work to all others: thirty callers who stay on the
        line would stop everything for a minute.
        """
        with suppress(OSError):
            close_graceful(sock.dup(), 0 if self._is_full() else PARTING_S)
            sock.shutdown(socket.SHUT_RD)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The same from where its headers are read."""
        conn.sock.expect(BODY, self._is_full)
        return super().handle_request(req, conn)
