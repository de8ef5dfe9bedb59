"""One model followed over time: a baseline, then windows against it, and an alarm that is worth waking for.

A single window at p = 0.001 would cry wolf a few times a year at the usual pace. Three in a row that each say
so, and each lie farther out than the baseline's own parts lie from one another, do not: noise that comes and
goes with the load is part of the baseline, and what is left has to be unlikely three times over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from app.watch.identity.distance import Apart, apart, distance
from app.watch.identity.samples import Rows

Kind = Literal["logprobs", "words"]


class Plan(NamedTuple):
    """How many samples make a baseline and a window, for one kind of sample."""

    baseline: int
    window: int
    in_a_row: int = 3
    p: float = 0.005
    beyond_noise: float = 1.25
    """A window must lie this many times as far out as the farthest part of the baseline."""


PLANS: dict[Kind, Plan] = {"logprobs": Plan(288, 10), "words": Plan(480, 60)}
"""A swap shows after at most four windows: 40 checks, and 240."""


class Alarm(NamedTuple):
    """Answers differ from before: after so many samples since the baseline, how far and how sure."""

    samples: int
    distance: float
    p: float
    noise: float
    """How far the parts of the baseline lie from one another at most."""


def noise_of(baseline: Rows, window: int) -> float:
    """How far a stretch of the baseline lies from the rest of it at most: noise that depends on the time."""
    stretches = range(0, len(baseline) - window + 1, window)
    return max(
        distance(np.delete(baseline, slice(at, at + window), axis=0), baseline[at : at + window])
        for at in stretches
    )


@dataclass(slots=True)
class Sequence:
    """The state between two windows: plain numbers, so that it can be kept with the model."""

    plan: Plan
    baseline: Rows
    random: np.random.Generator
    samples: int = 0
    suspicions: list[Apart] = field(default_factory=list)
    noise: float = field(init=False)

    def __post_init__(self) -> None:
        self.noise = noise_of(self.baseline, self.plan.window)

    def take(self, window: Rows) -> Alarm | None:
        """Judge the next window; an alarm where it is the last of so many in a row that do not fit."""
        self.samples += len(window)
        found = self._unlikely(window)
        self.suspicions = [] if found is None else [*self.suspicions, found]
        if len(self.suspicions) < self.plan.in_a_row:
            return None
        last = self.suspicions[-self.plan.in_a_row :]
        return Alarm(self.samples, min(one.distance for one in last), max(one.p for one in last), self.noise)

    def _unlikely(self, window: Rows) -> Apart | None:
        # Within the noise no permutation is needed, and that is nearly always so.
        if distance(self.baseline, window) <= self.plan.beyond_noise * self.noise:
            return None
        found = apart(self.baseline, window, self.random)
        return None if found.p > self.plan.p else found
