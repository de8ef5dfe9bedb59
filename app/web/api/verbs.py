"""What several calls of the JSON side do with a body: register a model, look at one, change one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Response

from app.errors import ApiError
from app.registry import changes, registration
from app.registry.credentials import require_may_name
from app.registry.form.openai_like import OpenAILikeForm, OpenAILikeUpdateForm
from app.registry.probing import Probed, Registered, Rejected, Updated
from app.store.models import RegisteredModel
from app.web.api.answers import answer, check_if_match, document_answer, rejection, written_document
from app.web.api.query import depth_argument, flag_argument
from app.web.guards import current_actor

JSON = Any


def create(body: JSON) -> Response:
    """Probe the model of a body and register it: its document. ApiErrors as docs/wire.md has them."""
    form = _valid(OpenAILikeForm.from_json(body))
    end = registration.drain(registration.register(form.values(), current_actor(), **_options()))
    if isinstance(end, Rejected):
        raise rejection(end)
    assert isinstance(end, Registered)
    return document_answer(written_document(end.model_id))


def look_at(body: JSON) -> Response:
    """Probe the model of a body and store nothing: the report, whatever its verdict."""
    form = _valid(OpenAILikeForm.from_json(body))
    end = registration.drain(registration.validate(form.values(), current_actor(), **_options()))
    assert isinstance(end, Probed)
    return answer(end.report)


def change(model: RegisteredModel, body: JSON) -> Response:
    """Change what a body holds, after a probe where that is needed: the document."""
    form = _valid(OpenAILikeUpdateForm.from_json(body))
    events = changes.update(
        model,
        form.values(only_given=True) | form.taken_away(),
        current_actor(),
        still=check_if_match,
        move_key=bool(flag_argument("move_key")),
        **_options(),
    )
    end = registration.drain(events)
    if isinstance(end, Rejected):
        raise rejection(end)
    assert isinstance(end, Updated)
    return document_answer(written_document(end.model_id))


@contextmanager
def fields_named(places: Mapping[str, str]) -> Iterator[None]:
    """Let the ApiErrors of a block name the fields where the caller wrote them."""
    try:
        yield
    except ApiError as error:
        error.field = places.get(error.field or "", error.field)
        error.details = tuple(
            dict(detail) | {"field": places.get(detail["field"], detail["field"])} for detail in error.details
        )
        if error.suggestions:
            error.suggestions = {places.get(name, name): kept for name, kept in error.suggestions.items()}
        raise


def _valid(form: OpenAILikeForm) -> OpenAILikeForm:
    """The form, valid. Who may name no variable of the environment does not learn which there are either."""
    require_may_name(current_actor(), form.api_key.data or "", form.base_url.data or "")
    form.require_valid()
    return form


def _options() -> dict[str, Any]:
    """How the caller wants the probe: `?strict=true`, `?depth=proof`."""
    return {"strict": bool(flag_argument("strict")), "depth": depth_argument()}
