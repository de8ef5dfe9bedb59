"""What a health check asks so that it is a sample too, and how a sample is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from app.probe.values import Sample, Sampling
from app.watch.identity import samples, sequence, vectors
from app.watch.identity.samples import (
    PROMPT,
    TOKENS,
    WORDS,
    LogProbs,
    Rows,
    Word,
    columns_of,
    log_rows,
    vocabulary_of,
    word_of,
    word_rows,
)

Kind = Literal["logprobs", "words", "vectors"]
Payload = Any
"""A sample: values by token, the prompt's number and the word, or a distance and a digest."""

FEWER_TOKENS = 5
"""What endpoints allow that don't allow `TOKENS`."""
UNITS: Mapping[Kind, str] = {
    "logprobs": "nats a token",
    "words": "of the answers",
    "vectors": "(1 - cosine)",
}
UNLIKENESS: Mapping[str, str] = {"logprobs": "nats a token", "words": "of 1 (no word in common)"}
"""The units of a comparison of two models."""


def kind_of(model_type: str, capabilities: Mapping[str, Any]) -> Kind | None:
    """What can be compared of a model; None where nothing can at the price of a health check.

    A completion model is never asked for log-probabilities by a probe, so they are tried; most have them.
    """
    if model_type == "embedding":
        return "vectors"
    if model_type == "completion":
        return "logprobs"
    if model_type != "chat":
        return None
    seen = (capabilities.get("logprobs") or {}).get("observed") is True
    return "logprobs" if seen else "words"


def sampling_of(kind: Kind, turn: int, tops: int = TOKENS) -> Sampling:
    """What to ask; `turn` counts the checks of a model, each prompt for words has its turn."""
    if kind == "logprobs":
        return Sampling(PROMPT, tops)
    return Sampling(WORDS[turn % len(WORDS)] if kind == "words" else "")


def payload_of(kind: Kind, sample: Sample, turn: int, anchor: Sequence[float] | None) -> Payload | None:
    """What is compared of a sample; None where it does not hold what was asked for."""
    if kind == "logprobs":
        return dict(sample.top) or None
    if kind == "words":
        word = word_of(sample.text)
        return [turn % len(WORDS), word] if word else None
    vector = sample.vector
    return [round(vectors.apart(anchor or vector, vector), 6), vectors.digest_of(vector)] if vector else None


def needed_for_baseline(kind: Kind) -> int:
    """How many samples make a baseline."""
    return vectors.LEARNED if kind == "vectors" else sequence.PLANS[kind].baseline


def window_of(kind: Kind) -> int:
    """How many samples are judged together."""
    return 1 if kind == "vectors" else sequence.PLANS[kind].window


def rows_of(kind: samples.Kind, *parts: Sequence[Payload]) -> list[Rows]:
    """Sets of samples as rows for a permutation test, in columns that favour none of them."""
    every = [one for part in parts for one in part]
    return [rows_in(kind, columns_for(kind, every), part) for part in parts]


def columns_for(kind: samples.Kind, payloads: Sequence[Payload]) -> list[Payload]:
    """What samples are compared by, the commonest first: tokens, or words with the number of their prompt."""
    if kind == "logprobs":
        return list(columns_of([LogProbs(one) for one in payloads]))
    return [list(one) for one in vocabulary_of([Word(*one) for one in payloads])]


def rows_in(kind: samples.Kind, columns: Sequence[Payload], payloads: Sequence[Payload]) -> Rows:
    """Samples as rows in these columns; of words there is one column more, for all others."""
    if kind == "logprobs":
        return log_rows([LogProbs(one) for one in payloads], columns)
    return word_rows([Word(*one) for one in payloads], [Word(*one) for one in columns])


def label_of(kind: samples.Kind, column: Payload) -> str:
    """A column for people: its token, or its word."""
    return str(column) if kind == "logprobs" else str(column[1])
