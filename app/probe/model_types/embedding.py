"""Embedding: a text in, a vector out."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/embeddings"
TEXT = "The quick brown fox jumps over the lazy dog."
OTHER_TEXT = "Interest rates were raised on Thursday."
_ALIKE = 1e-4
"""How far two vectors may differ, by the largest number in them, to be called equal."""
_LIKE_ITSELF = 0.6
"""The least likeness (cosine) of one text's vectors in one answer. How texts are batched moves it (llama.cpp
gave 0.95 with two slots); memory that nobody wrote is like nothing."""
_FEW = 2
"""So many components that say something are no embedding, where there are many."""
_MANY = 8


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """Two texts, the first of them twice: what a vector tells is seen in one call.

    The forms are a list, a single string, and the `inputs` and `texts` of other servers.
    """
    first, second = ("Hello", "A green tree") if shape.plain else (TEXT, OTHER_TEXT)
    texts = [first, second, first]
    name, value = (("input", texts), ("input", first), ("inputs", texts), ("texts", texts))[shape.form]
    return Request(ROUTE, shape.fit({"model": model, name: value}))


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """Vectors in the API's own shape that tell one text from another; their length is recorded."""
    body = answer.json
    rows = _rows(body)
    if rows is None:
        return _foreign(body)
    vectors = [_numbers(row) for row in rows]
    if not vectors:
        return None
    if len(vectors) < _texts_of(answer):
        return Doubtful(f"{len(vectors)} vectors came back for {_texts_of(answer)} texts", _one_text)
    fault = _fault(vectors)
    if fault:
        return Doubtful(fault, suspect="type")
    if any(_is_nested(row) for row in rows):
        return Doubtful("each vector is a list in a list, which no OpenAI client reads", suspect="base")
    found = [vector for vector in vectors if vector is not None]
    model = body.get("model") if isinstance(body, Mapping) else None
    return Proven(
        f"A vector of {len(found[0])} numbers came back.",
        model=model if isinstance(model, str) else None,
        observed={"embedding_dimensions": len(found[0])},
    )


def _texts_of(answer: Answer) -> int:
    """How many texts were sent."""
    asked = answer.call.json or {}
    sent = next((asked[name] for name in ("input", "inputs", "texts") if name in asked), None)
    return len(sent) if isinstance(sent, list) else 1


def _one_text(shape: Shape) -> Shape:
    return shape.because("sent one text as a string", form=1)


def _rows(body: Any) -> list[Any] | None:
    """What stands under `embedding` in each row of `data`, in the order of the texts; None without rows."""
    rows = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(rows, list) or not any(isinstance(row, Mapping) and "embedding" in row for row in rows):
        return None
    found = [row for row in rows if isinstance(row, Mapping)]
    if all(isinstance(row.get("index"), int) for row in found):
        found.sort(key=lambda row: int(row["index"]))
    return [row.get("embedding") for row in found]


def vector_of(body: Any) -> list[float] | None:
    """The first vector of an answer; None where there is none, or no numbers in it."""
    rows = _rows(body)
    return _numbers(rows[0]) if rows else None


def _foreign(body: Any) -> Doubtful | None:
    """An answer of another API: vectors that no OpenAI client finds."""
    place = body.get("embeddings", body.get("embedding")) if isinstance(body, Mapping) else body
    if isinstance(place, Mapping):
        place = next(iter(place.values()), None)
    row = place[0] if isinstance(place, list) and place else None
    row = row.get("embedding") if isinstance(row, Mapping) else row
    if _numbers(row) is None and _numbers(place) is None:
        return None
    where = "as a bare list" if isinstance(body, list) else "where no OpenAI client looks for them"
    return Doubtful(f"vectors came back {where}", suspect="base")


def _fault(vectors: list[list[float] | None]) -> str:
    """What is wrong with vectors of the texts that were sent; empty for nothing."""
    for vector in vectors:
        if vector is None:
            return "a vector came back that holds values that are no numbers"
        if not vector or not any(vector):
            return f"a vector came back that is {'all zero' if vector else 'empty'}"
        if not all(math.isfinite(value) for value in vector):
            return "a vector came back that holds no finite numbers"
        least = 1e-9 * _size(vector)
        if len(vector) >= _MANY and sum(abs(value) > least for value in vector) <= _FEW:
            return "a vector came back in which all but a number or two are zero"
    found = [vector for vector in vectors if vector]
    if len(found) == 3 and _likeness(found[0], found[2]) < _LIKE_ITSELF:
        return "the same text got two different vectors in one answer"
    if len(found) > 1 and _distance(found[0], found[1]) < _ALIKE:
        return "two different texts got the same vector"
    return ""


def _size(vector: list[float]) -> float:
    return max(map(abs, vector))


def _distance(one: list[float], other: list[float]) -> float:
    """How far two vectors are apart in any component, by the largest number in either."""
    if len(one) != len(other):
        return math.inf
    largest = max(_size(one), _size(other))
    return max(abs(a / largest - b / largest) for a, b in zip(one, other, strict=True))


def _likeness(one: list[float], other: list[float]) -> float:
    """The cosine of two vectors; of different lengths they are like nothing."""
    if len(one) != len(other):
        return 0.0
    size, other_size = _size(one), _size(other)
    a, b = [value / size for value in one], [value / other_size for value in other]
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def _is_nested(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and isinstance(found[0], list)


def _numbers(found: Any) -> list[float] | None:
    """A vector as a list of numbers or as base64; None for anything else."""
    if isinstance(found, str):
        return _from_base64(found)
    if _is_nested(found):
        found = found[0]
    if isinstance(found, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in found):
        return [float(v) for v in found]
    return None


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
    """Shapes to try where a refusal says too little: a single text, then other names of the list."""
    for form, how in (
        (1, "sent one text as a string"),
        (2, "named the input `inputs`"),
        (3, "named the input `texts`"),
    ):
        if form > shape.form:
            yield shape.because(how, form=form)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks)
