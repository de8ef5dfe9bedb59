"""The API of the practice endpoint without its server: a request in, a reply out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.practice_chat import chat, completion, responses
from app.practice_checks import refuse
from app.practice_models import KEY, MODELS, Model, catalog, entry
from app.practice_routes import (
    embeddings,
    image_edits,
    images,
    moderations,
    rerank,
    speech,
    transcriptions,
)
from app.practice_wire import (
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

BY_JSON: dict[str, tuple[str, Callable[[Mapping[str, JSON], Model], Reply]]] = {
    "/chat/completions": ("chat", chat),
    "/responses": ("chat", responses),
    "/completions": ("completion", completion),
    "/embeddings": ("embedding", embeddings),
    "/rerank": ("rerank", rerank),
    "/images/generations": ("image", images),
    "/audio/speech": ("tts", speech),
    "/moderations": ("moderation", moderations),
}
BY_FORM: dict[str, tuple[str, Callable[[Request, Model], Reply]]] = {
    "/images/edits": ("image", image_edits),
    "/audio/transcriptions": ("stt", transcriptions),
}


class Practice:
    """The API without its server: a request in, a reply out."""

    def __init__(self, models: Sequence[Model] = MODELS, key: str = KEY, prefix: str = "/v1") -> None:
        self.models = {model.id: model for model in models}
        self.key = key
        self.prefix = prefix

    def respond(self, request: Request) -> Reply:
        """The reply to any request; what a check refuses is a reply too."""
        try:
            return self.admit(request) or self.route(request)
        except Refused as refused:
            return refused.reply

    def admit(self, request: Request) -> Reply | None:
        """What a request without the right key gets; None lets it in."""
        if not self.key or request.key == self.key:
            return None
        return wrong_key(request.key) if request.key else missing_key()

    def route(self, request: Request) -> Reply:
        """The reply to a request with the right key."""
        path = request.path.removeprefix(self.prefix) if request.path.startswith(self.prefix + "/") else ""
        if path == "/models" or path.startswith("/models/"):
            return self.listed(request, path.removeprefix("/models").strip("/"))
        if path not in BY_JSON and path not in BY_FORM:
            return unknown_path(request)
        if request.method != "POST":
            return not_allowed(request)
        if path in BY_FORM:
            kind, answer_form = BY_FORM[path]
            model = self.model(request.form.get("model", b"").decode("utf-8", "replace"), kind, path)
            return answer_form(request, model)
        if not isinstance(request.json, dict):
            return not_json()
        kind, answer = BY_JSON[path]
        return answer(request.json, self.model(request.json.get("model"), kind, path))

    def listed(self, request: Request, model_id: str) -> Reply:
        """GET /models and GET /models/{id}."""
        if request.method != "GET":
            return not_allowed(request)
        if not model_id:
            return as_json(catalog(self.models.values()))
        model = self.models.get(model_id)
        return as_json(entry(model)) if model else unknown_model(model_id)

    def model(self, name: JSON, kind: str, path: str) -> Model:
        """The model asked for; raises Refused where it is none, or not of this kind."""
        if not isinstance(name, str) or not name:
            raise refuse("you must provide a model parameter")
        model = self.models.get(name)
        if model is None:
            raise Refused(unknown_model(name))
        if model.kind != kind:
            raise Refused(other_kind(model, kind, path))
        return model


def other_kind(model: Model, kind: str, path: str) -> Reply:
    """The refusal of a model of another kind than the route's, as OpenAI words it."""
    if kind == "chat" and path == "/chat/completions":
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        )
        return error(404, message, param="model")
    if kind == "completion" and model.kind == "chat":
        message = (
            "This is a chat model and not supported in the v1/completions endpoint. "
            "Did you mean to use v1/chat/completions?"
        )
        return error(404, message, param="model")
    if kind == "embedding":
        return error(403, "You are not allowed to generate embeddings from this model")
    return error(
        404,
        f"The model `{model.id}` is not supported in the v1{path} endpoint. It is of type {model.kind}.",
        param="model",
    )
