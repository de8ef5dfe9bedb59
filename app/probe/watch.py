"""The clock of one call, and a socket that obeys it.

Every wait of a call goes through its `Watch`, so that a limit or a cancellation ends the call wherever it
stands: resolving, connecting, in the TLS handshake, sending, or between two bytes of an answer.
"""

from __future__ import annotations

import io
import os
import select
import socket
import ssl
from time import monotonic
from typing import Any

from app.probe.failure import Broken
from app.probe.tls import read_error

# How long a cancellation may go unnoticed where a thread waits for another, in seconds.
_PAUSE = 0.1


class Cancellation:
    """The caller's word that it wants no more: set once, by any thread, and for good.

    An Event can't be waited for beside a socket; this owns a pipe that turns readable. It takes no lock, so
    that the garbage collector may set it on any thread. One with a parent is set together with that, and can
    be set alone.
    """

    _pipe: tuple[int, int] | None = None

    def __init__(self, parent: Cancellation | None = None) -> None:
        self._parent = parent
        self._is_set = False
        self._pipe = self._reader, self._writer = os.pipe()

    def __del__(self) -> None:
        # The collector may close a generator after this, which then sets what has no pipe any more.
        self._is_set = True
        for descriptor in self._pipe or ():
            os.close(descriptor)

    def set(self) -> None:
        """Wake whoever waits, and let nobody wait any more."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        """Whether this or its parent was set."""
        return self._is_set or (self._parent is not None and self._parent.is_set())

    def wait(self, seconds: float) -> None:
        """Return once it is set, or after so long."""
        poll = select.poll()
        self.register(poll)
        poll.poll(seconds * 1000)

    def register(self, poll: select.poll) -> None:
        """Have `poll` return once this is set."""
        poll.register(self._reader, select.POLLIN)
        if self._parent is not None:
            self._parent.register(poll)


class Watch:
    """The bounds of one call: an end, the bound of the step it is in, and the word of the caller to stop.

    `end` is on the monotonic clock; `cancelled` is set where the caller wants no more. `header_bytes` bounds
    the head of the answer, `wire_bytes` all of it.
    """

    def __init__(
        self,
        end: float,
        cancelled: Cancellation | None = None,
        header_bytes: int = 2**18,
        wire_bytes: int = 2**24,
    ) -> None:
        self.end = end
        self._cancelled = cancelled
        self.header_bytes = header_bytes
        self.wire_bytes = wire_bytes
        self.started = monotonic()
        self._step_end = end
        self._words = ""

    def step(self, seconds: float, words: str) -> None:
        """From now on the call has this long for what it does; `words` say what was missed if it has not."""
        self._step_end = min(self.end, monotonic() + seconds)
        self._words = words

    def reword(self, words: str) -> None:
        """The step goes on, with other words for what was missed."""
        self._words = words

    def last_step(self, words: str) -> None:
        """From now on only the end of the call counts."""
        self._step_end = self.end
        self._words = words

    def left(self) -> float:
        """Seconds until the step ends; raises Broken where none is left or the caller wants no more."""
        if self._cancelled is not None and self._cancelled.is_set():
            raise Broken("cancelled", "the probe was cancelled")
        left = self._step_end - monotonic()
        if left <= 0:
            raise Broken("timeout", self._words)
        return left

    def pause(self) -> float:
        """How long to sleep at most, where no socket is waited for, before `left` is asked again."""
        left = self.left()
        return left if self._cancelled is None else min(left, _PAUSE)

    def ms(self) -> int:
        """Milliseconds since the call started."""
        return round((monotonic() - self.started) * 1000)

    def wait_to_read(self, sock: socket.socket) -> None:
        """Return as soon as the socket has bytes, or its end."""
        self._wait(sock, select.POLLIN)

    def wait_to_write(self, sock: socket.socket) -> None:
        """Return as soon as the socket takes bytes."""
        self._wait(sock, select.POLLOUT)

    def _wait(self, sock: socket.socket, what: int) -> None:
        poll = select.poll()
        poll.register(sock, what)
        if self._cancelled is not None:
            self._cancelled.register(poll)
        while all(ready != sock.fileno() for ready, _ in poll.poll(self.left() * 1000)):
            self.left()


class Stream:
    """A connected socket, plain or TLS, as the HTTP library wants it, that waits only as `watch` allows.

    `begin` is called for every call that goes over the connection. `received` counts the bytes of the current
    call; `ended` tells that the other side closed.
    """

    def __init__(self, sock: socket.socket, watch: Watch, host: str, port: int) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._readers = 0
        self._closed = False
        self.watch = watch
        self.host = host
        self.port = port
        self.received = 0
        self.ended = False

    def begin(self, watch: Watch) -> None:
        """The next bytes belong to another call."""
        self.watch = watch
        self.received = 0

    def recv_into(self, buffer: memoryview) -> int:
        """Read what is there, waiting for the first byte; 0 at the end of the stream."""
        while True:
            self.watch.left()
            try:
                size = self._sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                self.watch.wait_to_read(self._sock)
                continue
            except ssl.SSLWantWriteError:
                self.watch.wait_to_write(self._sock)
                continue
            except OSError as error:
                raise read_error(error, self.host, self.port) from None
            self.received += size
            self.ended = self.ended or size == 0
            if self.received > self.watch.wire_bytes:
                raise Broken("too_large", f"the answer does not end within {self.received // 2**20} MiB")
            return size

    def sendall(self, piece: Any) -> None:
        """Send all bytes. A closed connection is a BrokenPipeError: the answer may have come before that."""
        left = memoryview(piece).cast("B")
        while left:
            self.watch.left()
            try:
                left = left[self._sock.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self.watch.wait_to_write(self._sock)
            except ssl.SSLWantReadError:
                self.watch.wait_to_read(self._sock)
            except OSError as error:
                if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                    raise read_error(error, self.host, self.port) from None
                raise BrokenPipeError(error.errno, "closed while sending") from None

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Turn the connection into TLS verified for `name`; raises Broken("tls") with the reason in words."""
        try:
            tls = context.wrap_socket(self._sock, server_hostname=name, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            raise read_error(error, self.host, self.port, handshake=True) from None
        self._sock = tls
        while True:
            try:
                return tls.do_handshake()
            except ssl.SSLWantReadError:
                self.watch.wait_to_read(tls)
            except ssl.SSLWantWriteError:
                self.watch.wait_to_write(tls)
            except OSError as error:
                raise read_error(error, self.host, self.port, handshake=True) from None

    def certificate(self) -> bytes:
        """The other side's certificate in DER; empty where it showed none."""
        der = self._sock.getpeercert(binary_form=True) if isinstance(self._sock, ssl.SSLSocket) else None
        return der or b""

    def makefile(self, mode: str = "rb", *_: object) -> io.BufferedReader:
        """A buffered reader over this connection, which stays open as long as the reader does."""
        self._readers += 1
        return io.BufferedReader(_Reader(self), 16384)

    def reader_closed(self) -> None:
        """One reader less; the last one closes a connection that was to be closed."""
        self._readers -= 1
        if self._closed and self._readers <= 0:
            self._sock.close()

    def close(self) -> None:
        """Close the connection, once nobody reads from it any more."""
        self._closed = True
        if self._readers <= 0:
            self._sock.close()

    def abort(self) -> None:
        """Close the connection at once, whoever reads."""
        self._closed = True
        self._sock.close()

    def fileno(self) -> int:
        """The file descriptor; -1 where closed."""
        return self._sock.fileno()

    def settimeout(self, _: float | None) -> None:
        """The watch keeps the time, not the socket."""


class _Reader(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self._stream: Stream | None = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.recv_into(buffer) if self._stream else 0

    def close(self) -> None:
        stream, self._stream = self._stream, None
        super().close()
        if stream:
            stream.reader_closed()
