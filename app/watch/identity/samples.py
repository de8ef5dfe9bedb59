"""What one health check tells of a model's identity, kept in about a hundred bytes.

Where an endpoint gives log-probabilities, a sample is the top log-probabilities of the one output token of a
fixed prompt ("Log Probability Tracking of LLM APIs", arXiv 2512.03816). Where it gives none, a sample is the
one word that answers one of a few fixed prompts ("fingerprints from single-token answers", arXiv 2607.10252).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Kind = Literal["logprobs", "words"]
Rows = NDArray[np.float64]
"""Samples as rows of numbers, one column for each token or word."""

TOKENS = 20
"""Columns at most: the tokens with the highest mean in the baseline; the rest are below the noise."""
PROMPT = "x"
"""One input token: the answer is then nothing but the model's own first guess."""
WORDS: tuple[str, ...] = (
    "Name a random number from 1 to 50. Answer with the number alone.",
    "Name a color. Answer with one word.",
    "Name an animal. Answer with one word.",
    "Write a first name. Answer with one word.",
)
"""Prompts of one-word answers. A round asks each in turn, so that each window holds all of them evenly."""


class LogProbs(NamedTuple):
    """The top log-probabilities of one token: natural logarithms, by token."""

    top: Mapping[str, float]


class Word(NamedTuple):
    """The word that answered the prompt with this number of `WORDS`."""

    prompt: int
    word: str


def word_of(text: str) -> str:
    """An answer as one comparable word: its first, in lower case, without punctuation; at most 24 signs."""
    first = next(iter(text.lower().split()), "")
    return "".join(sign for sign in first if sign.isalnum())[:24]


def columns_of(baseline: Sequence[LogProbs]) -> tuple[str, ...]:
    """The tokens that samples are compared by: those that most samples hold, the most likely first."""
    totals: dict[str, float] = {}
    for sample in baseline:
        for token, value in sample.top.items():
            totals[token] = totals.get(token, 0.0) + float(np.exp(value))
    return tuple(sorted(totals, key=totals.__getitem__, reverse=True)[:TOKENS])


def log_rows(samples: Sequence[LogProbs], columns: Sequence[str]) -> Rows:
    """A row for each sample. A token outside of its top list counts as the lowest of that list.

    Its true value lies below that, so a change is understated and never made up.
    """
    rows = np.empty((len(samples), len(columns)))
    for row, sample in zip(rows, samples, strict=True):
        floor = min(sample.top.values(), default=0.0)
        row[:] = [sample.top.get(token, floor) for token in columns]
    return rows


def word_rows(samples: Sequence[Word], vocabulary: Sequence[Word]) -> Rows:
    """A row for each sample: 1 in the column of its word; the last column stands for words never seen."""
    places = {word: place for place, word in enumerate(vocabulary)}
    rows = np.zeros((len(samples), len(vocabulary) + 1))
    for row, sample in zip(rows, samples, strict=True):
        row[places.get(sample, len(vocabulary))] = 1.0
    return rows


def vocabulary_of(baseline: Sequence[Word]) -> tuple[Word, ...]:
    """The words that the baseline holds, the commonest first."""
    return tuple(word for word, _ in Counter(baseline).most_common())
