"""The body of an answer as it arrives, within the limits of size and time."""

from __future__ import annotations

import io
import socket
import ssl
from typing import Any

from app.probe.transport.deadline import Deadline
from app.probe.transport.failure import TransportError
from app.probe.transport.tls import read_error


class Stream:
    """A connected socket, plain or TLS, as the HTTP library wants it, that waits only as `watch` allows.

    `begin` is called for every call that goes over the connection. `received` counts the bytes of the current
    call; `ended` tells that the other side closed.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, host: str, port: int) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._readers = 0
        self._closed = False
        self.deadline = deadline
        self.host = host
        self.port = port
        self.received = 0
        self.ended = False

    def begin(self, deadline: Deadline) -> None:
        """The next bytes belong to another call."""
        self.deadline = deadline
        self.received = 0

    def recv_into(self, buffer: memoryview) -> int:
        """Read what is there, waiting for the first byte; 0 at the end of the stream."""
        while True:
            self.deadline.left()
            try:
                size = self._sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                self.deadline.wait_to_read(self._sock)
                continue
            except ssl.SSLWantWriteError:
                self.deadline.wait_to_write(self._sock)
                continue
            except OSError as error:
                raise read_error(error, self.host, self.port) from None
            self.received += size
            self.ended = self.ended or size == 0
            if self.received > self.deadline.wire_bytes:
                raise TransportError(
                    "too_large", f"the answer does not end within {self.received // 2**20} MiB"
                )
            return size

    def sendall(self, piece: Any) -> None:
        """Send all bytes. A closed connection is a BrokenPipeError: the answer may have come before that."""
        left = memoryview(piece).cast("B")
        while left:
            self.deadline.left()
            try:
                left = left[self._sock.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self.deadline.wait_to_write(self._sock)
            except ssl.SSLWantReadError:
                self.deadline.wait_to_read(self._sock)
            except OSError as error:
                if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                    raise read_error(error, self.host, self.port) from None
                raise BrokenPipeError(error.errno, "closed while sending") from None

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Turn the connection into TLS verified for `name`; raises Broken("tls") with the reason in words."""
        try:
            self._sock.getpeername()  # who has hung up is told here: of such a one `ssl` leaves a socket open
            tls = context.wrap_socket(self._sock, server_hostname=name, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            raise read_error(error, self.host, self.port, handshake=True) from None
        self._sock = tls
        while True:
            try:
                return tls.do_handshake()
            except ssl.SSLWantReadError:
                self.deadline.wait_to_read(tls)
            except ssl.SSLWantWriteError:
                self.deadline.wait_to_write(tls)
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
        """Close the connection at once, even while another thread reads."""
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
