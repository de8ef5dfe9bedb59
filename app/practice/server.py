"""The practice endpoint: a small OpenAI-compatible server for trying Muster without any other.

It listens on loopback only. `python -m app.practice --port 8099` runs it; its key is `practice-key`
and its models stand in `practice_models.py`. It needs nothing but the standard library.
"""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.practice.wire import Reply, Request, error

MOST_BYTES = 16 * 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """Brings requests to the server's `respond` and its replies back, over kept-alive connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: PracticeServer

    def answer(self) -> None:
        """Read one request, send its reply."""
        body = self.read_body()
        if body is None:
            self.send(error(413, "The request body is too large."))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send(self.respond(Request(self.command, path, query, headers, body)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def respond(self, request: Request) -> Reply:
        """The reply to a request that was read."""
        return self.server.respond(request)

    def read_body(self) -> bytes | None:
        """The body, by Content-Length or in chunks; None where it is too large."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return None
        return self.rfile.read(int(length))

    def read_chunks(self) -> bytes | None:
        """A body in chunks, without its trailers."""
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            if len(body) + size > MOST_BYTES:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def send(self, reply: Reply) -> None:
        """Send a reply: whole with its length, or in chunks where it comes in pieces."""
        whole = isinstance(reply.body, bytes)
        self.send_response(reply.status)
        named = {"content-type": reply.content_type} | {k.lower(): v for k, v in reply.headers.items()}
        if isinstance(reply.body, bytes):
            named.setdefault("content-length", str(len(reply.body)))
        else:
            named["transfer-encoding"] = "chunked"
        for name, value in named.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(reply.body, bytes):
            self.wfile.write(reply.body)
        else:
            for piece in reply.body:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        self.wfile.write(b"" if whole else b"0\r\n\r\n")
        self.wfile.flush()

    def version_string(self) -> str:
        """The Server header."""
        return "practice"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: request lines are of no use here."""


class PracticeServer(ThreadingHTTPServer):
    """Serves a `respond` function on loopback, a thread per connection. Port 0 takes any free port."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        respond: Callable[[Request], Reply],
        host: str = "127.0.0.1",
        port: int = 0,
        handler: type[Handler] = Handler,
    ) -> None:
        loopback(host)
        self.respond = respond
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.open: set[socket.socket] = set()
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        """Bind without the look-up of this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection; one that goes away in the middle is no error."""
        self.open.add(request)
        try:
            super().finish_request(request, client_address)
        except OSError:
            pass
        finally:
            self.open.discard(request)

    def stop(self) -> None:
        """End at once, open connections included. Only for a server that `start` runs."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def start(self) -> None:
        """Serve in a thread of its own until `stop`."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


def loopback(host: str) -> None:
    """Raise ValueError unless the host is a loopback address or localhost."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"The practice endpoint listens on loopback only, not on {host}.")
