"""Endpoints as they answer in the field, as sources of samples: batching, replicas, drift of load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from app.watch.identity.samples import WORDS, Rows, Word

Noise = Literal["none", "batching", "two replicas", "drift of load"]
Draw = Callable[[int], Rows]

COLUMNS = 20
A_DAY = 288
"""Health checks a day at 300 s."""


def log_source(noise: Noise, random: np.random.Generator, change: float = 0.0) -> Draw:
    """Rows of log-probabilities, each call going on where the last one ended. `change` is the standard
    deviation in nats of what another model adds to each token's value.
    """
    base = -0.5 - 0.5 * np.arange(COLUMNS) + random.normal(0, change or 0.0, COLUMNS)
    spread = np.linspace(-1, 1, COLUMNS)
    taken = [0]

    def draw(count: int) -> Rows:
        at = taken[0] + np.arange(count)
        taken[0] += count
        rows = np.tile(base, (count, 1))
        if noise == "batching":
            rows += random.normal(0, 0.02, rows.shape)
        if noise == "two replicas":
            rows += 0.1 * (random.random(count) < 0.5)[:, None] * spread
            rows += random.normal(0, 0.005, rows.shape)
        if noise == "drift of load":
            rows += 0.03 * np.sin(2 * np.pi * at / A_DAY)[:, None] * spread
            rows += random.normal(0, 0.01, rows.shape)
        return rows

    return draw


def word_source(random: np.random.Generator, words: int = 15) -> Callable[[int], list[Word]]:
    """One-word answers of one model: for each prompt a distribution of its own."""
    shares = [random.dirichlet(np.full(words, 0.3)) for _ in WORDS]

    def draw(count: int) -> list[Word]:
        prompts = [place % len(WORDS) for place in range(count)]
        return [Word(prompt, str(random.choice(words, p=shares[prompt]))) for prompt in prompts]

    return draw
