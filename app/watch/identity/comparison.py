"""Whether two endpoints serve the same model, from samples that were taken of both side by side."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from app.watch.identity.distance import Apart, apart
from app.watch.identity.samples import Rows
from app.watch.identity.sequence import Kind

Answer = Literal["same", "different", "not told"]

ENOUGH: dict[Kind, int] = {"logprobs": 20, "words": 120}
"""Samples of each that an answer needs. Fewer, and "same" would only say that little was asked."""
_DIFFERENT = 0.001
_ALIKE: dict[Kind, float] = {"logprobs": 0.02, "words": 0.004}
"""A distance below which nobody would notice a difference: nats a token, and share a word."""


class Verdict(NamedTuple):
    """The answer, with the distance and the p that it stands on; one sentence for people."""

    answer: Answer
    distance: float
    p: float
    sentence: str


def compare(kind: Kind, first: Rows, second: Rows, random: np.random.Generator) -> Verdict:
    """Compare equally many samples of two endpoints.

    A difference that chance explains is no proof of sameness, so "same" also takes a small distance; what is
    neither is not told.
    """
    if min(len(first), len(second)) < ENOUGH[kind]:
        return Verdict("not told", 0.0, 1.0, f"{ENOUGH[kind]} answers of each are needed.")
    found = apart(first, second, random, 1999)
    answer = _answer(kind, found)
    return Verdict(answer, found.distance, found.p, _SENTENCES[answer])


def _answer(kind: Kind, found: Apart) -> Answer:
    if found.p <= _DIFFERENT and found.distance > _ALIKE[kind]:
        return "different"
    return "same" if found.distance <= _ALIKE[kind] else "not told"


_SENTENCES: dict[Answer, str] = {
    "same": "Their answers can't be told apart.",
    "different": "They answer differently: other weights, another quantization, or other text in front.",
    "not told": "They differ a little, and chance alone could do that. More answers would tell.",
}
