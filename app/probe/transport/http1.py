"""HTTP/1 as endpoints in the field speak it: connections for requests' adapter, and the head of an answer.

The connection classes of urllib3 write the request and read the body. What differs here: connections come
from the dialer (so they go to judged addresses and obey the call's watch), and the head of an answer is read
with a bound on all of it, past any number of interim answers, and with clear words for what is no HTTP.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from app.probe.transport.failure import TransportError
from app.probe.transport.stream import Stream

HEADER_LINES = 2000
INTERIM_ANSWERS = 100

_NO_HTTP = "answers something that is no HTTP"
_BANNERS = (
    (b"\x15\x03", "answers TLS only: the URL needs https"),
    (b"\x16\x03", "answers TLS only: the URL needs https"),
    (b"\x00\x00", "speaks HTTP/2 only, as gRPC servers do, not HTTP/1.1"),
    (b"SSH-", "is an SSH server"),
    (b"220", "is a mail or FTP server"),
    (b"-ERR", "is a Redis server"),
    (b"RFB ", "is a VNC server"),
)


class Reply(http.client.HTTPResponse):
    """An answer whose head is at most `header_bytes` long."""

    def __init__(
        self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._stream: Stream = sock
        self._head_left = sock.deadline.header_bytes

    def begin(self) -> None:
        """Read the status line and the headers; raises Broken where they are none, or too much."""
        for _ in range(INTERIM_ANSWERS):
            version, status, reason = self._read_status_line()
            lines = self._read_lines()
            if status >= 200 or status == 101:
                break
        else:
            raise TransportError("protocol", f"{self._stream.host} sent interim answers without end")
        self.code = self.status = status
        self.reason = reason
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.headers = self.msg = _message(lines)
        self._frame(status)

    def _line(self) -> bytes:
        line: bytes = self.fp.readline(self._head_left + 1)
        self._head_left -= len(line)
        if self._head_left < 0:
            limit = self._stream.deadline.header_bytes // 1024
            raise TransportError("too_large", f"the headers of the answer are over {limit} KiB")
        return line

    def _read_status_line(self) -> tuple[str, int, str]:
        line = b"\r\n"
        while line in (b"\r\n", b"\n"):
            self._refuse_other_protocols()
            line = self._line()
        if not line:
            raise TransportError(
                "reset",
                f"{self._stream.host} port {self._stream.port} closed the connection without an answer",
            )
        version, _, rest = line.decode("latin-1").strip().partition(" ")
        status, _, reason = rest.strip().partition(" ")
        if not version.startswith("HTTP/") or not (
            status.isascii() and status.isdigit() and len(status) == 3
        ):
            raise TransportError("protocol", f"{self._stream.host} port {self._stream.port} {_NO_HTTP}")
        return version, int(status), reason.strip()

    def _refuse_other_protocols(self) -> None:
        """Look at the first bytes, since what is no HTTP may never send an end of line."""
        start = self.fp.peek(5)[:5]
        if b"HTTP/".startswith(start) or start[:1] in b"\r\n":
            return
        where = f"{self._stream.host} port {self._stream.port}"
        words = next((words for banner, words in _BANNERS if start.startswith(banner)), _NO_HTTP)
        raise TransportError("protocol", f"{where} {words}")

    def _read_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        while (line := self._line()) not in (b"\r\n", b"\n"):
            if not line:
                raise TransportError(
                    "reset", f"{self._stream.host} closed the connection within the headers of its answer"
                )
            lines.append(line)
            if len(lines) > HEADER_LINES:
                raise TransportError("too_large", f"the answer has over {HEADER_LINES} header lines")
        return lines

    def _frame(self, status: int) -> None:
        """Decide where the body ends (RFC 9112, section 6.3)."""
        codings = [
            c.strip().lower() for c in self.headers.get("transfer-encoding", "").split(",") if c.strip()
        ]
        self.chunked = bool(codings) and codings[-1] == "chunked"
        self.chunk_left = None
        self.will_close = self._check_close()  # type: ignore[attr-defined]
        self.length = None if self.chunked else _content_length(self.headers)
        if self.length is None:
            del self.headers["content-length"]
        if status in (101, 204, 304) or self._method == "HEAD":  # type: ignore[attr-defined]
            self.length = 0
        self.will_close = self.will_close or (not self.chunked and self.length is None)


def _message(lines: list[bytes]) -> http.client.HTTPMessage:
    message = http.client.HTTPMessage()
    fields: list[list[str]] = []
    for line in lines:
        text = line.decode("latin-1").rstrip("\r\n")
        name, colon, value = text.partition(":")
        if text[:1] in (" ", "\t") and fields:
            fields[-1][1] += " " + text.strip()
        elif colon and name.strip():
            fields.append([name.strip(), value.strip()])
    for name, value in fields:
        message[name] = value
    return message


def _content_length(headers: http.client.HTTPMessage) -> int | None:
    """The one length that the headers agree on; None where there is none, or none that makes sense."""
    lengths = {part.strip() for value in headers.get_all("content-length", []) for part in value.split(",")}
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


class Connection(HTTPConnection):
    """A connection that the dialer opens."""

    def __init__(self, *args: Any, dial: Callable[[str, int], Stream], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = Reply
        self._dial = dial

    def connect(self) -> None:
        """Called by the library when the first request is sent."""
        self.sock = self._dial(self._dns_host, self.port)


class SecureConnection(Connection):
    """The same for https: only the default port differs, which the Host header leaves out."""

    default_port = 443  # type: ignore[misc]


class Pool(HTTPConnectionPool):
    """At most one connection, to one origin."""

    ConnectionCls = Connection


class SecurePool(Pool):
    ConnectionCls = SecureConnection
