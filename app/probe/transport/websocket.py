"""One short talk over a WebSocket, given back as an `Answer`, so that the rules for answers hold for it too.

The protocol is the `websockets` library's (its core without I/O); the connection is ours, so that every
limit, a cancellation and the address rules hold as they do for HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call, headers_of
from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.failure import Failure, TransportError
from app.probe.transport.stream import Stream
from app.probe.values import Limits

_PIECE = 65536
_SILENCE_S = 2.0
"""After so long without a message the talk is opened from this side."""
_AFTER_ERROR_S = 1.0
"""So long after an error message another one may still say that all is well."""
_NOT_OURS = frozenset({"accept-encoding", "content-type"})


@dataclass(frozen=True, slots=True)
class SocketScript:
    """What to listen for: `is_end` tells whether a message (parsed JSON) is the one waited for, `is_error`
    whether it speaks of an error.

    `opening` is sent once where the server says nothing, or something else first.
    """

    is_end: Callable[[Any], bool] = field(repr=False)
    is_error: Callable[[Any], bool] = field(repr=False)
    opening: Any


def exchange(call: Call, script: SocketScript, dialer: Dialer, limits: Limits, deadline: Deadline) -> Answer:
    """Upgrade, listen, hang up. Never raises for what an endpoint does.

    The answer's status is 101 where the WebSocket was opened; its body is then the message waited for, else
    the last message that speaks of an error, else the reason of the close, as JSON. A refused upgrade is the
    answer of HTTP to it.
    """
    heard = _Heard(call, script, limits, deadline)
    try:
        heard.open(dialer)
        heard.listen()
    except TransportError as broken:
        heard.failure = broken.failure
    finally:
        heard.hang_up()
    return heard.answer()


class _Heard:
    def __init__(self, call: Call, script: SocketScript, limits: Limits, deadline: Deadline) -> None:
        self.failure: Failure | None = None
        self._call, self._script, self._limits, self._deadline = call, script, limits, deadline
        self._protocol: ClientProtocol | None = None
        self._stream: Stream | None = None
        self._response: Response | None = None
        self._body = b""
        self._first_ms: int | None = None
        self._found = self._opened = self._has_error = False
        self._text = bytearray()

    def open(self, dialer: Dialer) -> None:
        """Connect and ask for the upgrade; raises Broken."""
        parts = urlsplit(self._call.url)
        secure = parts.scheme == "https"
        try:
            uri = parse_uri(parts._replace(scheme="wss" if secure else "ws", fragment="").geturl())
        except InvalidURI:
            raise TransportError("no_host", "the URL can't be read: it needs a valid host") from None
        protocol = ClientProtocol(uri, max_size=self._limits.body_bytes)
        request = protocol.connect()
        _add(request.headers, self._call)
        dial = dialer.open_tls if secure else dialer.open_tunnel
        self._stream = dial(uri.host, uri.port, self._deadline)
        self._protocol = protocol
        self._deadline.step(self._limits.first_byte_s, "no answer began")
        protocol.send_request(request)
        self._flush()
        while self._response is None:
            self._receive()

    def listen(self) -> None:
        """Take messages until the one waited for, the close or the end of patience; raises Broken."""
        while self._is_open() and not self._found:
            patience = _AFTER_ERROR_S if self._has_error else self._limits.first_byte_s
            if not self._opened and not self._has_error:
                patience = min(patience, _SILENCE_S)
            self._deadline.step(patience, "the WebSocket was opened, but no session began")
            try:
                self._receive()
            except TransportError as broken:
                if broken.failure.kind != "timeout" or monotonic() >= self._deadline.end:
                    raise
                if self._has_error:
                    return
                if self._opened:
                    raise
                self._deadline.last_step("the WebSocket did not take a message in time")
                self._say_opening()

    def hang_up(self) -> None:
        """Close politely where that takes no waiting, then at once."""
        if self._stream is None:
            return
        if self._protocol is not None and self._protocol.state is State.OPEN and self.failure is None:
            self._protocol.send_close(1000)
            with suppress(TransportError):
                self._flush()
        self._stream.abort()

    def answer(self) -> Answer:
        """What was heard."""
        response = self._response
        if response is not None and response.status_code != 101:
            self._body = bytes(response.body)
        elif response is not None and not self._body and self.failure is None:
            self._body = self._close_words()
        return Answer(
            call=self._call,
            status=response.status_code if response else None,
            headers={name.lower(): value for name, value in response.headers.raw_items()} if response else {},
            body=self._body,
            duration_ms=self._deadline.ms(),
            first_byte_ms=self._first_ms,
            arrivals=((self._first_ms, len(self._body)),) if self._first_ms is not None else (),
            failure=self.failure,
        )

    def _is_open(self) -> bool:
        return self._protocol is not None and self._protocol.state is State.OPEN

    def _receive(self) -> None:
        assert self._protocol is not None and self._stream is not None
        piece = bytearray(_PIECE)
        size = self._stream.recv_into(memoryview(piece))
        if size:
            self._protocol.receive_data(piece[:size])
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            self._take(event)
        self._flush()
        if self._response is None and self._protocol.handshake_exc is not None:
            if self._stream.received == 0:
                raise TransportError("reset", "the connection was closed before any answer to the upgrade")
            raise TransportError("protocol", "the answer to the upgrade is no valid HTTP")

    def _take(self, event: Response | Frame | Any) -> None:
        if isinstance(event, Response):
            self._response = event
            if event.status_code == 101 and self._protocol and self._protocol.handshake_exc:
                raise TransportError("protocol", "the answer to the upgrade is no valid WebSocket handshake")
        elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._text += event.data
            if event.fin:
                whole, self._text = bytes(self._text), bytearray()
                self._hear(whole)

    def _hear(self, whole: bytes) -> None:
        if self._found:
            return
        self._first_ms = self._deadline.ms() if self._first_ms is None else self._first_ms
        try:
            message = json.loads(whole)
        except (ValueError, RecursionError):
            message = None
        self._found = self._script.is_end(message)
        error = self._script.is_error(message)
        if self._found or error or not self._has_error:
            self._body = whole
        self._has_error = self._has_error or error
        if not self._found and not error and not self._opened:
            self._say_opening()

    def _say_opening(self) -> None:
        assert self._protocol is not None
        self._opened = True
        if self._is_open():
            self._protocol.send_text(json.dumps(self._script.opening).encode())
            self._flush()

    def _flush(self) -> None:
        assert self._protocol is not None and self._stream is not None
        for piece in self._protocol.data_to_send():
            if not piece:  # the end of what this side says; the connection is closed as a whole later
                continue
            try:
                self._stream.sendall(piece)
            except BrokenPipeError:
                return

    def _close_words(self) -> bytes:
        """The close as an error of JSON: some servers put the reason there and nowhere else."""
        close = self._protocol.close_rcvd if self._protocol else None
        code = close.code if close else 1006
        words = close.reason if close and close.reason else f"The WebSocket was closed with code {code}."
        return json.dumps({"type": "error", "error": {"message": words, "code": f"close_{code}"}}).encode()


def _add(headers: Headers, call: Call) -> None:
    for name, value in headers_of(call).items():
        if name.lower() not in _NOT_OURS:
            headers.pop(name, None)
            headers[name] = value
