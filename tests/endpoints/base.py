"""A well-behaved endpoint on a port of its own, of which a test changes one thing.

It stands on the practice endpoint's mind and routes. What it serves without any change is a good
endpoint of the asked model type: catalog, key check, unknown models refused, every capability there.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

from app.practice.wire import Reply, Request
from tests.endpoints.changes import KEY, Changeable, first
from tests.endpoints.server import SimulatorServer

JSON = Any

__all__ = ["KEY", "Simulator"]


class Simulator(Changeable):
    """One endpoint. Change it, then `start` it (or use it in a `with`); `seen` holds every request."""

    def __init__(self, path: str = "/v1", model_id: str = "good-model", model_type: str = "chat") -> None:
        super().__init__(path.partition("?")[0].rstrip("/"), model_id, model_type)
        self.typed_path, self.typed_url, self.api_key = path, "", KEY
        self.settings: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        self.neighbours: list[Simulator] = []
        self.host, self.scheme = "127.0.0.1", "http"
        self.tls: ssl.SSLContext | None = None
        self.plain_reply: Callable[[Request], Reply] | None = None
        self.refuses_connections = False
        self.one_request_a_connection = False
        self.faults: list[BaseException | None] = []
        self.server: SimulatorServer | None = None

    def upgrade(self, request: Request) -> Reply | None:
        """What an upgrade to WebSocket gets in place of one; None: the session."""
        refused = self.admit(request) or first(self.rules, request)
        if refused is None and (self.path(request) != "/realtime" or self.model_type != "realtime"):
            refused = self.lost(request)
        return refused

    def session(self, request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        """A realtime session as OpenAI opens it; an update is taken."""
        name = parse_qs(request.query).get("model", [""])[0]
        if name not in self.models:
            yield {"type": "error", "event_id": "event_1", "error": self.unknown(name).json["error"]}
            return
        session = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": name}
        yield {"type": "session.created", "event_id": "event_1", "session": session}
        for message in arriving:
            if message.get("type") == "session.update":
                yield {"type": "session.updated", "event_id": "event_2", "session": session}

    def start(self) -> Simulator:
        """Serve on a free port of loopback; where it refuses connections, only hold the port."""
        for neighbour in self.neighbours:
            neighbour.start()
            origin = neighbour.origin
            self.environment = {
                name: value.replace("PROXY", origin) for name, value in self.environment.items()
            }
        self.server = SimulatorServer(self)
        if not self.refuses_connections:
            self.server.listen_and_start()
        return self

    def stop(self) -> None:
        """End it, its open connections and its pauses."""
        self.stopping.set()
        for neighbour in self.neighbours:
            neighbour.stop()
        if self.server:
            self.server.end(started=not self.refuses_connections)

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        assert kind or not self.faults, f"the simulation failed: {self.faults}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        assert self.server, "the endpoint runs"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.server.server_port}"

    @property
    def base_url(self) -> str:
        """What a person types."""
        port = self.origin.rpartition(":")[2]
        return self.typed_url.replace("PORT", port) if self.typed_url else self.origin + self.typed_path

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and path of every request so far."""
        return [(request.method, request.path) for request in self.seen]
