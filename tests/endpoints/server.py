"""The server under a simulated endpoint: TLS, WebSocket, raw bytes, refused connections."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from app.practice.server import Handler, PracticeServer
from app.practice.wire import Reply, Request
from tests.endpoints.replies import Raw, raw
from tests.endpoints.sockets import converse

JSON = Any


class Served(Protocol):
    """What the server needs of a simulator."""

    host: str
    tls: ssl.SSLContext | None
    one_request_a_connection: bool
    plain_reply: Callable[[Request], Reply] | None
    faults: list[BaseException | None]

    def respond(self, request: Request) -> Reply: ...

    def upgrade(self, request: Request) -> Reply | None: ...

    def session(self, request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]: ...


class SimulatorHandler(Handler):
    """Also speaks WebSocket, and plays raw bytes."""

    server: SimulatorServer
    answered = False

    def answer(self) -> None:
        """One request; an upgrade becomes a conversation, a stale connection is reset."""
        if self.answered and self.server.simulator.one_request_a_connection:
            self.close_connection = True
            raw(reset=True).play(self.connection)
            return
        self.answered = True
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.converse()
        else:
            super().answer()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def respond(self, request: Request) -> Reply:
        """Where TLS is spoken, plain HTTP on the same port gets another reply."""
        simulator = self.server.simulator
        if simulator.plain_reply and not isinstance(self.connection, ssl.SSLSocket):
            return simulator.plain_reply(request)
        return super().respond(request)

    def converse(self) -> None:
        """Answer an upgrade: by the rules, else with a realtime session."""
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers)
        self.close_connection = True
        reply = self.server.simulator.upgrade(request)
        if reply is not None:
            self.send(reply)
            return
        self.wfile.flush()
        converse(
            self.connection,
            self.requestline,
            self.headers.items(),
            partial(self.server.simulator.session, request),
        )

    def send(self, reply: Reply) -> None:
        """Raw bytes go past HTTP."""
        if not isinstance(reply, Raw):
            super().send(reply)
            return
        self.wfile.flush()
        self.close_connection = True
        reply.play(self.connection)


class SimulatorServer(PracticeServer):
    """Serves one simulator."""

    def __init__(self, simulator: Served) -> None:
        self.simulator = simulator
        super().__init__(simulator.respond, simulator.host, 0, SimulatorHandler)

    def server_activate(self) -> None:
        """Listening begins with `listen_and_start`: until then connections are refused."""

    def listen_and_start(self) -> None:
        """Take connections from now on."""
        super().server_activate()
        self.start()

    def end(self, started: bool) -> None:
        """Stop serving, or only give the port back."""
        self.stop() if started else self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what the simulation itself did wrong: to a client it looks like an endpoint that hangs up."""
        self.simulator.faults.append(sys.exc_info()[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS first where it is set up; a client that hangs up in the handshake is no error."""
        tls = self.simulator.tls
        if tls is None or (self.simulator.plain_reply and request.recv(1, socket.MSG_PEEK) != b"\x16"):
            super().finish_request(request, client_address)
            return
        try:
            request.settimeout(20)
            with tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:
            return
