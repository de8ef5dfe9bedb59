"""A well-behaved endpoint on a port of its own, of which a test changes one thing.

It stands on the practice endpoint's mind and routes. What it serves without any change is a good
endpoint of the asked model type: catalog, key check, unknown models refused, every capability there.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from app.practice_api import Practice
from app.practice_models import Model
from app.practice_wire import Reply, Request, as_json

from .replies import chunks_of, sse
from .server import SimulatorServer

JSON = Any
KEY = "sk-simulated-0123456789abcdef"
Rule = Callable[[Request], Reply | None]
When = Callable[[JSON], Any]


class Simulator(Practice):
    """One endpoint. Change it, then `start` it (or use it in a `with`); `seen` holds every request."""

    def __init__(self, path: str = "/v1", model_id: str = "good-model", model_type: str = "chat") -> None:
        prefix = path.partition("?")[0].rstrip("/")
        super().__init__([Model(model_id, model_type)], KEY, prefix)
        self.typed_path, self.model_id, self.model_type = path, model_id, model_type
        self.api_key, self.settings = KEY, dict[str, Any]()
        self.host, self.scheme = "127.0.0.1", "http"
        self.tls: ssl.SSLContext | None = None
        self.typed_url = ""
        self.plain_reply: Callable[[Request], Reply] | None = None
        self.refuses_connections = False
        self.one_request_a_connection = False
        self.fallback = ""
        self.environment: dict[str, str] = {}
        self.neighbours: list[Simulator] = []
        self.stopping = threading.Event()
        self.seen: list[Request] = []
        self.doors: list[Rule] = []
        self.rules: list[Rule] = []
        self.guards: list[Callable[[str, Request], Reply | None]] = []
        self.readers: list[Callable[[str, Request], Request]] = []
        self.edits: list[Callable[[str, Request, Reply], Reply]] = []
        self.lost_reply: Reply | Callable[[Request], Reply] | None = None
        self.unknown_reply: Callable[[str], Reply] | None = None
        self.mismatch_reply: Reply | None = None
        self.server: SimulatorServer | None = None

    # what is changed ------------------------------------------------------------------------------

    def traits(self, **changes: Any) -> None:
        """Change what the model can do (fields of `Model`)."""
        self.models[self.model_id] = replace(self.models[self.model_id], **changes)

    def serve_also(self, *models: Model) -> None:
        """Serve further models."""
        self.models |= {model.id: model for model in models}

    def serve_instead(self, *models: Model) -> None:
        """Serve these models only; what was typed is then unknown."""
        self.models = {model.id: model for model in models}

    def every(self, reply: Reply | Rule, when: Callable[[Request], Any] = lambda request: True) -> None:
        """Answer every request so, before the key is looked at."""
        self.doors.append(lambda request: _asked(reply, request) if when(request) else None)

    def on(
        self, path: str, reply: Reply | Rule, when: When = lambda body: True, method: str = "POST"
    ) -> None:
        """Answer this route so where the key is right, whatever the model; `path` follows the base URL."""

        def rule(request: Request) -> Reply | None:
            same = request.method == method and request.path == self.prefix + path
            return _asked(reply, request) if same and when(_body(request)) else None

        self.rules.append(rule)

    def refuse(
        self, reply: Reply | Rule, when: When = lambda body: True, path: str = "/chat/completions"
    ) -> None:
        """Answer a request with a right key for a known model so, where its body is of this kind."""

        def guard(route: str, request: Request) -> Reply | None:
            return _asked(reply, request) if route == path and when(_body(request)) else None

        self.guards.append(guard)

    def edit(self, change: Callable[[JSON, JSON], JSON], path: str = "/chat/completions") -> None:
        """Change the good JSON answer of a route: `change(asked, answered)` gives the new one."""

        def edited(route: str, request: Request, reply: Reply) -> Reply:
            if route != path or not isinstance(reply.body, bytes) or reply.status != 200:
                return reply
            answer = change(_body(request), reply.json)
            return answer if isinstance(answer, Reply) else replace(reply, body=json.dumps(answer).encode())

        self.edits.append(edited)

    def reads(self, change: Callable[[JSON], JSON], path: str = "/chat/completions") -> None:
        """Let the model see another body than was sent: `change(copy of the body)` gives it."""

        def seen(route: str, request: Request) -> Request:
            if route != path or not isinstance(request.json, dict):
                return request
            return replace(request, body=json.dumps(change(json.loads(request.body))).encode())

        self.readers.append(seen)

    def ignore(self, *fields: str, path: str = "/chat/completions", when: When = lambda body: True) -> None:
        """Take these fields of the body without a word and do nothing with them."""

        def without(body: JSON) -> JSON:
            return {name: value for name, value in body.items() if name not in fields} if when(body) else body

        self.reads(without, path)

    def edit_text(self, change: Callable[[JSON, str], str]) -> None:
        """Change the text of the good chat answer, streamed or not: `change(asked, text)`."""

        def message(asked: JSON, answered: JSON) -> None:
            if answered.get("content"):
                answered["content"] = change(asked, answered["content"])

        def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
            deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
            spoken = [delta for delta in deltas if delta.get("content")]
            if spoken:
                text = change(asked, "".join(delta["content"] for delta in spoken))
                for delta in spoken:
                    delta["content"] = ""
                spoken[0]["content"] = text
            return chunks

        self.edit_message(message)
        self.edit_stream(stream)

    def edit_message(self, change: Callable[[JSON, JSON], None]) -> None:
        """Change the message of the good chat answer in place: `change(asked, message)`."""

        def edited(asked: JSON, answer: JSON) -> JSON:
            for choice in answer["choices"]:
                change(asked, choice["message"])
            return answer

        self.edit(edited)

    def edit_stream(self, change: Callable[[JSON, list[JSON]], Reply | Iterable[JSON]]) -> None:
        """Change the chunks of the good streamed chat answer; a Reply is sent in its place."""

        def edited(route: str, request: Request, reply: Reply) -> Reply:
            if route != "/chat/completions" or isinstance(reply.body, bytes):
                return reply
            chunks = change(_body(request), chunks_of(reply))
            return chunks if isinstance(chunks, Reply) else sse(*chunks)

        self.edits.append(edited)

    def edit_reply(self, change: Callable[[Request, Reply], Reply]) -> None:
        """Change any good reply of a model's route."""
        self.edits.append(lambda route, request, reply: change(request, reply))

    def catalog(self, listed: JSON | Reply | None) -> None:
        """What `GET /models` gives, as JSON or as a reply; None: there is no such route."""
        self.on(
            "/models", lambda request: self.lost(request) if listed is None else _reply(listed), method="GET"
        )

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than this endpoint runs."""
        self.stopping.wait(seconds)

    # how it answers -------------------------------------------------------------------------------

    def respond(self, request: Request) -> Reply:
        """Remember the request, then answer it."""
        self.seen.append(request)
        return super().respond(request)

    def admit(self, request: Request) -> Reply | None:
        """The doors come before the key."""
        return _first(self.doors, request) or super().admit(request)

    def route(self, request: Request) -> Reply:
        """The rules come before the routes."""
        return _first(self.rules, request) or super().route(request)

    def answer(self, path: str, request: Request, model: Model) -> Reply:
        """The guards come before the answer, the edits after it."""
        for guard in self.guards:
            if refused := guard(path, request):
                return refused
        for seen in self.readers:
            request = seen(path, request)
        reply = super().answer(path, request, model)
        for edit in self.edits:
            reply = edit(path, request, reply)
        return reply

    def model(self, name: JSON, path: str) -> Model:
        """The model asked for; where there is a `fallback`, that one in place of an unknown one."""
        if self.fallback and isinstance(name, str) and name not in self.models:
            name = self.fallback
        return super().model(name, path)

    def lost(self, request: Request) -> Reply:
        """A path that is not served."""
        special = _asked(self.lost_reply, request) if self.lost_reply else None
        return special or super().lost(request)

    def unknown(self, name: str) -> Reply:
        """A model that is not served."""
        return self.unknown_reply(name) if self.unknown_reply else super().unknown(name)

    def mismatch(self, model: Model, path: str) -> Reply:
        """A model of another kind than the route's."""
        return self.mismatch_reply or super().mismatch(model, path)

    def upgrade(self, request: Request) -> Reply | None:
        """What an upgrade to WebSocket gets in place of one; None: the session."""
        refused = self.admit(request) or _first(self.rules, request)
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

    # where it runs --------------------------------------------------------------------------------

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

    def __exit__(self, *_: object) -> None:
        self.stop()

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


def _asked(reply: Reply | Rule | Callable[[Request], Reply], request: Request) -> Reply | None:
    return reply if isinstance(reply, Reply) else reply(request)


def _reply(listed: JSON | Reply) -> Reply:
    return listed if isinstance(listed, Reply) else as_json(listed)


def _first(rules: list[Rule], request: Request) -> Reply | None:
    return next((reply for rule in rules if (reply := rule(request)) is not None), None)


def _body(request: Request) -> JSON:
    """The JSON body, or the parts of a form; an empty object where there is neither."""
    return request.json if isinstance(request.json, Mapping) else request.form


def slowly(pieces: Iterable[bytes], seconds: float, simulator: Simulator) -> Iterator[bytes]:
    """The pieces with a pause before each."""
    for piece in pieces:
        simulator.pause(seconds)
        yield piece
