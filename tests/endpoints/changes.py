"""What a test may change of a well-behaved endpoint, and how the endpoint answers then."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.practice.api import Practice
from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json
from tests.endpoints.good import heard, unanswered, understood
from tests.endpoints.replies import chunks_of, sse
from tests.endpoints.responses import named, respond

JSON = Any
KEY = "sk-simulated-0123456789abcdef"
Rule = Callable[[Request], Reply | None]
When = Callable[[JSON], Any]


class Changeable(Practice):
    """A good endpoint of one model, with everything that can be made different; it does not run yet."""

    def __init__(self, prefix: str, model_id: str, model_type: str) -> None:
        super().__init__([Model(model_id, model_type)], KEY, prefix)
        self.model_id, self.model_type = model_id, model_type
        self.fallback = ""
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
            if isinstance(chunks, Reply):
                return chunks
            told = sse(*chunks)
            # In pieces, as the base has it, so that further edits see a stream.
            return replace(told, body=[told.body] if isinstance(told.body, bytes) else told.body)

        self.edits.append(edited)

    def edit_events(self, change: Callable[[JSON, list[JSON]], Reply | Iterable[JSON]]) -> None:
        """Change the events of the good streamed answer of the Responses API; a Reply is sent instead."""

        def edited(route: str, request: Request, reply: Reply) -> Reply:
            if route != "/responses" or isinstance(reply.body, bytes):
                return reply
            told = change(_body(request), [json.loads(piece.split(b"data: ")[1]) for piece in reply.body])
            return told if isinstance(told, Reply) else named(list(told))

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

    def respond(self, request: Request) -> Reply:
        """Remember the request, then answer it."""
        self.seen.append(request)
        return super().respond(request)

    def admit(self, request: Request) -> Reply | None:
        """The doors come before the key."""
        return first(self.doors, request) or super().admit(request)

    def route(self, request: Request) -> Reply:
        """The rules come before the routes."""
        return first(self.rules, request) or super().route(request)

    def answer(self, path: str, request: Request, model: Model) -> Reply:
        """The guards come before the answer, the edits after it."""
        for guard in self.guards:
            if refused := guard(path, request):
                return refused
        for seen in self.readers:
            request = seen(path, request)
        reply = self.good(path, request, model)
        for edit in self.edits:
            reply = edit(path, request, reply)
        return reply

    def good(self, path: str, request: Request, model: Model) -> Reply:
        """The good answer: the practice endpoint's, and what a good endpoint does beyond it."""
        plainly = super().answer

        def with_body(body: JSON) -> Request:
            return replace(request, body=json.dumps(body).encode())

        if path == "/chat/completions":
            return unanswered(request.json) or plainly(path, understood(request), model)
        if path == "/responses":
            return respond(
                request.json,
                lambda body: plainly(path, with_body(body), model),
                lambda body: self.good("/chat/completions", with_body(body), model),
            )
        sound = heard(request) if path == "/audio/transcriptions" else None
        return sound or plainly(path, request, model)

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


def _asked(reply: Reply | Rule | Callable[[Request], Reply], request: Request) -> Reply | None:
    return reply if isinstance(reply, Reply) else reply(request)


def _reply(listed: JSON | Reply) -> Reply:
    return listed if isinstance(listed, Reply) else as_json(listed)


def first(rules: list[Rule], request: Request) -> Reply | None:
    return next((reply for rule in rules if (reply := rule(request)) is not None), None)


def _body(request: Request) -> JSON:
    """The JSON body, or the parts of a form; an empty object where there is neither."""
    return request.json if isinstance(request.json, Mapping) else request.form
