"""Rerank: a query and documents in, a score for each out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Doubtful, Outcome, Proof, Proven
from app.probe.reading.faults import is_error_value
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/rerank"
QUERY = "What is a fox?"
DOCUMENTS = ("A fox is a small wild animal.", "The train leaves at noon.")
_SCORE_NAMES = ("relevance_score", "score", "logit", "similarity")
_HOW = (
    "named the documents `documents`",
    "named the documents `texts`",
    "sent each document as an object with `text`",
)


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """A query and two documents. `top_n` is not sent (field report rerank-top-n-null-400)."""
    texts = list(DOCUMENTS)
    documents: dict[str, Any] = (
        {"documents": texts},
        {"texts": texts},
        {"documents": [{"text": text} for text in texts]},
    )[shape.form]
    return Request(ROUTE, shape.fit({"model": model, "query": QUERY, **documents}))


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """As many finite scores as documents were sent."""
    body = answer.json
    found = scores(body)
    if found is None:
        return None
    if len(found) != len(DOCUMENTS):
        again = _ask_for_all if len(found) < len(DOCUMENTS) else None
        return Doubtful(f"it scored {len(found)} of {len(DOCUMENTS)} documents", again)
    if not all(_is_finite(score) for score in found):
        return Doubtful("a score came back that is no finite number")
    model = body.get("model") if isinstance(body, Mapping) else None
    return Proven(f"{len(found)} documents were scored.", model=model if isinstance(model, str) else None)


def _ask_for_all(shape: Shape) -> Shape:
    """Some give only the best one unless told how many are wanted."""
    count = len(DOCUMENTS)
    return shape.because(f"asked for {count} results with `top_n`", added={**shape.added, "top_n": count})


def scores(body: Any) -> list[Any] | None:
    """The scores of an answer of any known shape, whatever they hold; None where it has no list of any."""
    if isinstance(body, Mapping):
        if is_error_value(body.get("error")):
            return None
        inner = body.get("output")
        places = [body.get(name) for name in ("results", "data", "rankings", "scores")]
        places.append(inner.get("results") if isinstance(inner, Mapping) else None)
        rows = next((place for place in places if isinstance(place, list)), None)
    else:
        rows = body if isinstance(body, list) else None
    if rows is None:
        return None
    found = [_score(row) for row in rows]
    return None if found and all(score is None for score in found) else found


def _score(row: Any) -> Any:
    if isinstance(row, Mapping):
        return next((row[name] for name in _SCORE_NAMES if name in row), None)
    return row if isinstance(row, int | float) else None


def _is_finite(score: Any) -> bool:
    return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)


def learn_name(outcome: Outcome) -> Shape | None:
    """Another name for the documents where the words give one."""
    refusal, shape = outcome.refusal, outcome.shape
    if refusal.status in (400, 415, 422, 500) or refusal.is_error:
        if shape.form != 1 and re.search(r"\btexts\b", refusal.all):
            return shape.because(_HOW[1], form=1)
        if shape.form == 1 and re.search(r"\bdocuments\b", refusal.all):
            return shape.because(_HOW[0], form=0)
    return None


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: the documents as `texts`, then as objects."""
    for form in (1, 2):
        if form != shape.form:
            yield shape.because(_HOW[form], form=form)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks, learn=learn_name)
