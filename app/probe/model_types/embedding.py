"""Embedding: a text in, a vector out."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from app.probe.conversation import Conversation, Request
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/embeddings"
TEXT = "The quick brown fox jumps over the lazy dog."


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """One plain text; the forms are a string, a list, and the `inputs` of TEI's own route."""
    text = "Hello" if shape.plain else TEXT
    inputs: dict[str, Any] = ({"input": text}, {"input": [text]}, {"inputs": [text]}, {"texts": [text]})[
        shape.form
    ]
    return Request(ROUTE, shape.fit({"model": model, **inputs}))


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A non-empty vector of finite numbers, not all zero, as a list or as base64; its length is recorded."""
    body = answer.json
    vector = vector_of(body)
    if vector is None and not any(found is not None for found in _vectors(body)):
        return None
    if vector is None:
        return Doubtful("a vector came back that holds values that are no numbers")
    if not vector or not all(math.isfinite(value) for value in vector) or not any(vector):
        fault = "is empty" if not vector else "is all zero" if not any(vector) else "holds no finite numbers"
        return Doubtful(f"a vector came back that {fault}")
    model = body.get("model") if isinstance(body, Mapping) else None
    return Proven(
        f"A vector of {len(vector)} numbers came back.",
        model=model if isinstance(model, str) else None,
        observed={"embedding_dimensions": len(vector)},
    )


def vector_of(body: Any) -> list[float] | None:
    """The first vector in an embedding answer of any known shape; None where there is none, or no numbers
    in it.
    """
    for found in _vectors(body):
        if isinstance(found, str):
            return _from_base64(found)
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
            found = found[0]
        if isinstance(found, list) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in found
        ):
            return [float(v) for v in found]
    return None


def _vectors(body: Any) -> Iterable[Any]:
    if isinstance(body, Mapping):
        rows = body.get("data") if isinstance(body.get("data"), list) else None
        for row in rows or ():
            if isinstance(row, Mapping):
                yield row.get("embedding")
        embeddings = body.get("embeddings")
        if isinstance(embeddings, Mapping):
            embeddings = next(iter(embeddings.values()), None)
        if isinstance(embeddings, list) and embeddings:
            yield embeddings[0]
        yield body.get("embedding")
    elif isinstance(body, list) and body:
        yield body[0].get("embedding") if isinstance(body[0], Mapping) else body[0]


def _from_base64(text: str) -> list[float] | None:
    """OpenAI's base64 form: little-endian 32-bit floats."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw or len(raw) % 4:
        return None
    return [value[0] for value in struct.iter_unpack("<f", raw)]


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: the input as a list, as `inputs`, as `texts`."""
    for form, how in (
        (1, "sent the input as a list"),
        (2, "named the input `inputs`"),
        (3, "named the input `texts`"),
    ):
        if form > shape.form:
            yield shape.because(how, form=form)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks)
