"""Endpoints as they answer in the field, as sources of samples: batching, replicas, drift of load, coarse
numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.watch.identity.samples import WORDS, Rows, Word

Noise = Literal["none", "batching", "two replicas", "drift of load", "coarse numbers"]
NOISES: tuple[Noise, ...] = get_args(Noise)
Draw = Callable[[int], Any]
Codes = NDArray[np.int64]

COLUMNS = 20
VOCABULARY = 40
"""Words that a model answers one prompt with."""
_DAY_S = 86_400
_ALONE_S = 7200
"""How long one replica answers on end where callers stick to one."""
_COARSE = 1 / 16
"""A step of bfloat16 at logits of 8 to 16."""


def a_model(random: np.random.Generator) -> Rows:
    """The true log-probabilities of one model."""
    base: Rows = -0.5 - 0.5 * np.arange(COLUMNS) + random.uniform(-0.25, 0.25, COLUMNS)
    return base


def changed(model: Rows, random: np.random.Generator, change: float) -> Rows:
    """Another one: `change` is the standard deviation in nats of what is added to each token's value."""
    return model + random.normal(0, change, COLUMNS)


def log_source(noise: Noise, random: np.random.Generator, base: Rows, every_s: int = 300) -> Draw:
    """Rows of log-probabilities of a model, each call going on where the last one ended."""
    spread = np.linspace(-1, 1, COLUMNS, dtype=np.float32)
    taken = [0]

    def shaken(count: int, size: float) -> Any:
        # A year is two million numbers: in place, and no longer than need be.
        rows = random.standard_normal((count, COLUMNS), np.float32)
        rows *= np.float32(size)
        rows += base.astype(np.float32)
        return rows

    def draw(count: int) -> Any:
        seconds = (taken[0] + np.arange(count)) * every_s
        taken[0] += count
        if noise == "batching":
            return shaken(count, 0.02)
        if noise == "two replicas":
            # Sticky: whom a caller was given stays for a while.
            stays = random.random(count) > every_s / (every_s + _ALONE_S)
            fresh = np.where(stays, -1, random.integers(0, 2, count))
            fresh[0] = random.integers(0, 2)
            last = np.maximum.accumulate(np.where(fresh < 0, 0, np.arange(count)))
            rows = shaken(count, 0.005) + np.float32(0.1) * fresh[last][:, None].astype(np.float32) * spread
            return rows
        if noise == "drift of load":
            days = seconds // _DAY_S
            heights = random.uniform(0.6, 1.0, int(days[-1]) + 1) * np.where(
                np.arange(days[-1] + 1) % 7 < 5, 1.0, 0.5
            )
            load = heights[days] * (1 - np.cos(2 * np.pi * seconds / _DAY_S)) / 2
            return shaken(count, 0.01) + np.float32(0.06) * load[:, None].astype(np.float32) * spread
        if noise == "coarse numbers":
            rows = np.round(shaken(count, 0.01) / _COARSE) * _COARSE
            return rows
        return np.tile(base, (count, 1))

    return draw


def word_source(random: np.random.Generator, even: float = 0.3) -> Draw:
    """One-word answers of one model: for each prompt a distribution of its own, the more even the more words
    come. As numbers: the word's own, and `VOCABULARY` more for each prompt before its own.
    """
    shares = [random.dirichlet(np.full(VOCABULARY, even)) for _ in WORDS]

    def draw(count: int) -> Codes:
        drawn = [random.choice(VOCABULARY, count // len(WORDS) + 1, p=share) for share in shares]
        codes = np.stack(drawn, axis=1) + VOCABULARY * np.arange(len(WORDS))
        return codes.ravel()[:count]

    return draw


def words_of(codes: Codes) -> list[Word]:
    """The words that such numbers stand for."""
    return [Word(code // VOCABULARY, str(code % VOCABULARY)) for code in codes.tolist()]


def code_of(word: Word) -> int:
    """The number that stands for a word."""
    return word.prompt * VOCABULARY + int(word.word)
