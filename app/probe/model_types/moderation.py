"""Moderation: a text in, what may be wrong with it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.reading.faults import is_error_value
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/moderations"
TEXT = "I like apples."


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """One harmless text, alone or in a list."""
    return Request(ROUTE, shape.fit({"model": model, "input": [TEXT] if shape.form else TEXT}))


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A result with categories or scores."""
    body = answer.json
    if not isinstance(body, Mapping) or is_error_value(body.get("error")) or "results" not in body:
        return None
    results = body["results"] if isinstance(body["results"], list) else [body["results"]]
    named = next((names for names in map(_categories, results) if names), ())
    if not named:
        return Doubtful("no result came back with categories or scores")
    model = body.get("model")
    proven = ", ".join(str(name)[:30] for name in named[:3])
    return Proven(
        f"{len(named)} categories were judged, {proven} among them.",
        model=model if isinstance(model, str) else None,
    )


def _categories(result: Any) -> tuple[Any, ...]:
    if isinstance(result, Mapping):
        for name in ("categories", "category_scores", "scores"):
            if isinstance(result.get(name), Mapping | list) and result[name]:
                return tuple(result[name])
    return ()


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """The text in a list, where a refusal says too little."""
    if not shape.form:
        yield shape.because("sent the text in a list", form=1)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks)
