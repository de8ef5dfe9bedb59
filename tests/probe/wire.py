"""Servers on loopback that say exactly the bytes a test wants, however broken."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket, bytes], object]
"""Answers one request on a connection; a true value keeps the connection for the next request."""

Reader = Callable[[socket.socket], bytes]

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


def answer(body: bytes = b"", head: str = "", status: str = "HTTP/1.1 200 OK") -> bytes:
    """An answer with a right Content-Length unless `head` frames the body itself."""
    framed = any(word in head.lower() for word in ("content-length", "transfer-encoding"))
    length = "" if framed else f"Content-Length: {len(body)}\r\n"
    return f"{status}\r\n{head}{length}\r\n".encode("latin-1") + body


def says(reply: bytes, *, keep: bool = False) -> Script:
    """Answers every request with these bytes."""

    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(reply)
        return keep

    return script


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def reset(connection: socket.socket) -> None:
    """Close with RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(connection: socket.socket, piece: bytes, seconds: float, pause: float) -> None:
    """Send the piece again and again for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.sendall(piece)
        time.sleep(pause)


class Server:
    """A listening socket with a thread for each connection. `requests` holds what came, in order."""

    def __init__(
        self, script: Script, address: str, context: ssl.SSLContext | None, read: Reader | None = None
    ) -> None:
        self.script = script
        self._read = read or read_request
        self.requests: list[bytes] = []
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self._context = context
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family, backlog=300)
        self.port: int = self.listener.getsockname()[1]
        scheme = "https" if context else "http"
        self.url = f"{scheme}://{f'[{address}]' if ':' in address else address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._context:
                try:
                    connection = self._context.wrap_socket(connection, server_side=True)
                except OSError:
                    return connection.close()
            with connection:
                self._answer_all(connection)

    def _answer_all(self, connection: socket.socket) -> None:
        while request := self._read(connection):
            with self._lock:
                self.requests.append(request)
                self.open_now += 1
                self.most_open = max(self.most_open, self.open_now)
            try:
                keep = self.script(connection, request)
            finally:
                with self._lock:
                    self.open_now -= 1
            if not keep:
                return


def read_some(connection: socket.socket) -> bytes:
    """Whatever comes first, HTTP or not."""
    return connection.recv(65536)


def read_request(connection: socket.socket) -> bytes:
    """One whole request; empty at the end of the connection."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            return b""
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serve(
    script: Script,
    *,
    address: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
    read: Reader | None = None,
) -> Iterator[Server]:
    """A server for the length of a test."""
    server = Server(script, address, context, read)
    try:
        yield server
    finally:
        server.listener.close()


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def relay(target: int) -> Callable[[socket.socket, bytes], bool]:
    """A proxy that carries everything to one port of this machine, whatever host it is asked for."""

    def script(connection: socket.socket, request: bytes) -> bool:
        with socket.create_connection(("127.0.0.1", target)) as upstream, suppress(OSError):
            if request.startswith(b"CONNECT "):
                connection.sendall(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
                threading.Thread(target=pump, args=(connection, upstream), daemon=True).start()
            else:
                upstream.sendall(_as_forwarded(request))
            pump(upstream, connection)
        return False

    return script


def _as_forwarded(request: bytes) -> bytes:
    """What a proxy makes of it: the path alone, and a connection for this call."""
    line, _, rest = request.partition(b"\r\n")
    line = re.sub(rb"http://[^/ ]+", b"", line, count=1)
    return line + b"\r\nConnection: close\r\n" + re.sub(rb"(?im)^connection:.*\r\n", b"", rest)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
