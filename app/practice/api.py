"""The API of the practice endpoint without its server: a request in, a reply out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.practice.chat import chat, completion
from app.practice.checks import refuse
from app.practice.models import KEY, MODELS, Model, catalog, entry
from app.practice.responses import responses
from app.practice.routes import embeddings, image_edits, images, moderations, rerank, speech, transcriptions
from app.practice.wire import (
    Refused,
    Reply,
    Request,
    as_json,
    error,
    missing_key,
    not_allowed,
    not_json,
    unknown_model,
    unknown_path,
    wrong_key,
)

JSON = Any

JSON_ROUTES: dict[str, tuple[str, Callable[[Mapping[str, JSON], Model], Reply]]] = {
    "/chat/completions": ("chat", chat),
    "/responses": ("chat", responses),
    "/completions": ("completion", completion),
    "/embeddings": ("embedding", embeddings),
    "/rerank": ("rerank", rerank),
    "/images/generations": ("image", images),
    "/audio/speech": ("tts", speech),
    "/moderations": ("moderation", moderations),
}
FORM_ROUTES: dict[str, tuple[str, Callable[[Request, Model], Reply]]] = {
    "/images/edits": ("image", image_edits),
    "/audio/transcriptions": ("stt", transcriptions),
}
KINDS = {path: row[0] for path, row in [*JSON_ROUTES.items(), *FORM_ROUTES.items()]}


class Practice:
    """The API: `respond` takes any request. An empty `key` needs none; `prefix` stands before all paths."""

    def __init__(self, models: Sequence[Model] = MODELS, key: str = KEY, prefix: str = "/v1") -> None:
        self.models = {model.id: model for model in models}
        self.key = key
        self.prefix = prefix

    def respond(self, request: Request) -> Reply:
        """The reply to any request, refusals included."""
        try:
            return self.admit(request) or self.route(request)
        except Refused as refused:
            return refused.reply

    def admit(self, request: Request) -> Reply | None:
        """The reply to a request without the right key; None if the key is right."""
        if not self.key or request.key == self.key:
            return None
        return wrong_key(request.key) if request.key else missing_key()

    def route(self, request: Request) -> Reply:
        """The reply to a request with the right key."""
        path = self.path(request)
        if path == "/models" or path.startswith("/models/"):
            return self.listed(request, path.removeprefix("/models").strip("/"))
        if path not in KINDS:
            return self.lost(request)
        if request.method != "POST":
            return not_allowed(request)
        if path in JSON_ROUTES and not isinstance(request.json, dict):
            return not_json()
        return self.answer(path, request, self.model(self.asked(path, request), path))

    def path(self, request: Request) -> str:
        """The path after the prefix; empty where it does not begin with it."""
        inside = request.path.startswith(self.prefix + "/")
        return request.path.removeprefix(self.prefix) if inside else ""

    def asked(self, path: str, request: Request) -> JSON:
        """The model that a request names."""
        if path in FORM_ROUTES:
            return request.form.get("model", b"").decode("utf-8", "replace")
        return request.json.get("model")

    def answer(self, path: str, request: Request, model: Model) -> Reply:
        """The reply of a route to a request for a model of its kind."""
        if path in FORM_ROUTES:
            return FORM_ROUTES[path][1](request, model)
        return JSON_ROUTES[path][1](request.json, model)

    def listed(self, request: Request, model_id: str) -> Reply:
        """GET /models and GET /models/{id}."""
        if request.method != "GET":
            return not_allowed(request)
        if not model_id:
            return as_json(catalog(self.models.values()))
        model = self.models.get(model_id)
        return as_json(entry(model)) if model else self.unknown(model_id)

    def model(self, name: JSON, path: str) -> Model:
        """The model asked for; raises Refused where it is none, or not of the route's kind."""
        if not isinstance(name, str) or not name:
            raise refuse("you must provide a model parameter")
        model = self.models.get(name)
        if model is None:
            raise Refused(self.unknown(name))
        if model.kind != KINDS[path]:
            raise Refused(self.mismatch(model, path))
        return model

    def lost(self, request: Request) -> Reply:
        """The refusal of a path that is not served."""
        return unknown_path(request)

    def unknown(self, name: str) -> Reply:
        """The refusal of a model that is not served."""
        return unknown_model(name)

    def mismatch(self, model: Model, path: str) -> Reply:
        """The refusal of a model of another kind than the route's, as OpenAI words it."""
        if path == "/chat/completions" or (path == "/completions" and model.kind == "chat"):
            no, other = (
                ("not a chat", "completions")
                if path == "/chat/completions"
                else ("a chat", "chat/completions")
            )
            thus = "and thus not supported" if no.startswith("not") else "and not supported"
            message = f"This is {no} model {thus} in the v1{path} endpoint. Did you mean to use v1/{other}?"
            return error(404, message, param="model")
        if path == "/embeddings":
            return error(403, "You are not allowed to generate embeddings from this model")
        return error(
            404,
            f"The model `{model.id}` is of type {model.kind} and not supported in v1{path}.",
            param="model",
        )
