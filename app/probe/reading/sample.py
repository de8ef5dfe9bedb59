"""What an answer tells of who gave it: log-probabilities, the text, a vector, the names it calls itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.probe.reading.completion.whole import read_completion, tokens
from app.probe.reading.redaction import secrets_of, without_secrets
from app.probe.reading.refusal import printable
from app.probe.transport.answer import Answer, parsed
from app.probe.values import Sample

_TOKEN_SIGNS = 24
_NAME_SIGNS = 80


def read_sample(answer: Answer, vector: tuple[float, ...] = (), form: str = "") -> Sample:
    """The sample in an answer; what it does not hold is empty. `form` says how the request was shaped.

    Tokens come as JSON writes them, so that white space and control characters stay apart and harmless.
    """
    completion = read_completion(answer)
    text = completion.content or completion.text or "" if completion else ""
    return Sample(
        top=_first_top(answer),
        # A stream may hold the key in pieces: only the whole shows it.
        text=without_secrets(text, secrets_of(answer.call.key, answer.call.settings)),
        thinks=completion.thinks if completion else False,
        vector=vector,
        model=_named(answer, "model"),
        fingerprint=_named(answer, "system_fingerprint"),
        prompt_tokens=tokens(completion.usage, "prompt_tokens") if completion else None,
        form=form,
    )


def _pieces(answer: Answer) -> Iterator[Mapping[str, Any]]:
    whole = [answer.json] if isinstance(answer.json, Mapping) else (parsed(text) for _, text in answer.events)
    return (piece for piece in whole if isinstance(piece, Mapping))


def _named(answer: Answer, name: str) -> str:
    found = (piece.get(name) for piece in _pieces(answer))
    return next((printable(one)[:_NAME_SIGNS] for one in found if isinstance(one, str) and one), "")


def _first_top(answer: Answer) -> dict[str, float]:
    """The top log-probabilities of the first token that has any, in either form of the API."""
    for piece in _pieces(answer):
        choices = piece.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            found = _top(choice.get("logprobs")) if isinstance(choice, Mapping) else {}
            if found:
                return found
    return {}


def _top(logprobs: Any) -> dict[str, float]:
    if not isinstance(logprobs, Mapping):
        return {}
    content, older = logprobs.get("content"), logprobs.get("top_logprobs")
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        return _values(_pairs(content[0].get("top_logprobs")))
    if isinstance(older, list) and older and isinstance(older[0], Mapping):
        return _values(older[0].items())
    return {}


def _pairs(rows: Any) -> Iterator[tuple[Any, Any]]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            yield row.get("token"), row.get("logprob")


def _values(pairs: Any) -> dict[str, float]:
    return {
        json.dumps(token)[1:-1][:_TOKEN_SIGNS]: round(float(value), 4)
        for token, value in pairs
        if isinstance(token, str) and isinstance(value, int | float) and math.isfinite(value)
    }
