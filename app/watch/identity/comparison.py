"""Whether two endpoints serve the same model, from samples that were taken of both side by side.

A difference that chance explains is no proof of sameness. So "same" is an answer of its own: that anything
beyond a margin would have shown with 95 % certainty (a test of equivalence, Schuirmann 1987).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from app.watch.identity.distance import apart, distance
from app.watch.identity.samples import Kind, Rows, Word, vocabulary_of, word_rows

Answer = Literal["same", "different", "not told"]

ENOUGH: dict[Kind, int] = {"logprobs": 20, "words": 240}
"""Samples of each that an answer needs. Words take so many for "same" to be told of the same weights in nine
of ten comparisons, unless many words are as likely (`python -m tests.bench identity`)."""
MARGINS: dict[Kind, float] = {"logprobs": 0.02, "words": 0.12}
"""What counts as the same: nats a token, less than quantization to eight bits moves; and unlikeness of words,
as between 60 % "blue" beside 40 % "red" and 35 % beside 65 %."""
_DIFFERENT = 0.001
_ONE_SIDED = 1.645
"""Standard errors that 5 % of a normal distribution lie beyond, on one side."""


class Verdict(NamedTuple):
    """The answer, and what it stands on: the distance, how far it may be at most (with 95 % certainty), and
    how easily chance alone makes one so large; a sentence for people.
    """

    answer: Answer
    distance: float
    at_most: float | None
    p: float
    sentence: str


class _Measured(NamedTuple):
    distance: float
    error: float
    p: float


def compare_logprobs(first: Rows, second: Rows, random: np.random.Generator) -> Verdict:
    """Compare log-probabilities of the same tokens: equally many rows of each endpoint."""
    if min(len(first), len(second)) < ENOUGH["logprobs"]:
        return _too_few("logprobs")
    signs = np.sign(first.mean(axis=0) - second.mean(axis=0)) / first.shape[1]
    error = float(np.sqrt(sum((rows @ signs).var(ddof=1) / len(rows) for rows in (first, second))))
    p = apart("logprobs", first, second, random, 1999).p
    return _verdict("logprobs", _Measured(distance("logprobs", first, second), error, p))


def compare_words(first: Sequence[Word], second: Sequence[Word], random: np.random.Generator) -> Verdict:
    """Compare words, asked for by the same prompts in turn."""
    if min(len(first), len(second)) < ENOUGH["words"]:
        return _too_few("words")
    columns = vocabulary_of([*first, *second])
    rows = [word_rows(one, columns) for one in (first, second)]
    p = apart("words", rows[0], rows[1], random, 1999).p
    counts = Counter(first), Counter(second)
    return _verdict("words", _Measured(max(0.0, unlikeness(*counts)), _error_of(*counts), p))


def unlikeness(first: Counter[Word], second: Counter[Word]) -> float:
    """1 - 2 P(x = y) / (P(x = x') + P(y = y')): how much rarer two endpoints agree with each other than each
    with itself, added up over the prompts. 0 for the same distribution, 1 for no word in common; without bias
    (so slightly below 0 at times), whatever the number of words (Morisita 1959, in Horn's form).
    """
    sizes = _sizes_of(first), _sizes_of(second)
    pairs = [(n, m) for n, m in zip(*sizes, strict=True)]
    alike = sum(count * second[word] / np.prod(pairs[word.prompt]) for word, count in first.items())
    own = sum(
        count * (count - 1) / (size[word.prompt] * max(1, size[word.prompt] - 1))
        for counts, size in zip((first, second), sizes, strict=True)
        for word, count in counts.items()
    )
    return float(1 - 2 * alike / own) if own else 1.0


def _sizes_of(counts: Counter[Word]) -> list[int]:
    sizes = Counter[int]()
    for word, count in counts.items():
        sizes[word.prompt] += count
    return [sizes[prompt] for prompt in range(max(sizes, default=0) + 1)]


def _error_of(first: Counter[Word], second: Counter[Word]) -> float:
    """The standard error of the unlikeness by the jackknife (Efron 1982): each answer left out in turn."""
    total = 0.0
    for side in (0, 1):
        counts = (first, second)[side]
        left_out, weights = [], list(counts.values())
        for word in counts:
            fewer = [first, second]
            fewer[side] = counts - Counter([word])
            left_out.append(unlikeness(*fewer))
        size = sum(weights)
        middle = np.average(left_out, weights=weights)
        total += (size - 1) / size * float(np.dot(weights, (np.array(left_out) - middle) ** 2))
    return float(total**0.5)


def _verdict(kind: Kind, found: _Measured) -> Verdict:
    spread, margin = _ONE_SIDED * found.error, MARGINS[kind]
    at_most = found.distance + spread
    answer: Answer = "not told"
    if at_most <= margin:
        answer = "same"
    elif found.p <= _DIFFERENT and found.distance - spread > margin:
        answer = "different"
    return Verdict(answer, found.distance, at_most, found.p, _SENTENCES[kind, answer])


def _too_few(kind: Kind) -> Verdict:
    return Verdict("not told", 0.0, None, 1.0, f"{ENOUGH[kind]} answers of each are needed.")


_SENTENCES: dict[tuple[Kind, Answer], str] = {
    ("logprobs", "same"): "Their answers can't be told apart: a difference that matters would have shown.",
    ("logprobs", "different"): (
        "They answer differently: other weights, another quantization, or other text in front."
    ),
    ("logprobs", "not told"): (
        "They differ by as little as other hardware or another version of the server does, or the answers "
        "vary too much to tell."
    ),
    ("words", "same"): (
        "They give the same words equally often: the same model or a close relative. Words don't show "
        "another quantization."
    ),
    ("words", "different"): (
        "They give other words: another model, another temperature, or other text in front."
    ),
    ("words", "not told"): (
        "Their words are too alike to call them different, and too varied to call them the same."
    ),
}
