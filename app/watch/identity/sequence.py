"""One model followed over time: a baseline, then windows against it, and an alarm that is worth waking for.

A single window at p = 0.005 would cry wolf every few weeks at the usual pace. Three in a row that each say
so, and each lie farther out than the baseline's own parts, do not: noise that comes and goes with the load is
part of the baseline, and what is left has to be unlikely three times over (0.005³ × 10,512 windows a year is
one alarm in 760 years).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from app.watch.identity.distance import Apart, apart
from app.watch.identity.learned import Learned
from app.watch.identity.samples import Kind, Rows


class Plan(NamedTuple):
    """How many samples make a baseline and a window, for one kind of sample."""

    baseline: int
    window: int
    in_a_row: int = 3
    p: float = 0.005


PLANS: dict[Kind, Plan] = {"logprobs": Plan(288, 10), "words": Plan(480, 60)}
"""A swap shows after at most four windows: 40 checks, and 240."""
SPACED = timedelta(minutes=4)
"""Between two samples that are kept at least, whatever the pace of checks: a baseline then holds a whole day
of load, and the moods of a few minutes can't fill a window."""


def suspicion(
    learned: Learned, window: Rows, both: Callable[[], tuple[Rows, Rows]], random: np.random.Generator
) -> Apart | None:
    """How far a window lies out, where neither noise nor chance explains it.

    `window` are rows in the columns that were learned. `both` gives baseline and window for the permutation
    test; it is only called where the window lies beyond the noise, which is rare.
    """
    mean = window.mean(axis=0)
    if learned.fits(mean):
        return None
    chance = apart(learned.kind, *both(), random)
    return Apart(float(learned.far(mean)), chance.p) if chance.p <= PLANS[learned.kind].p else None


def followed(before: Sequence[Apart], found: Apart | None, in_a_row: int) -> list[Apart]:
    """The suspicions after one more window; as many as `in_a_row` are an alarm."""
    return [] if found is None else [*before, found][-in_a_row:]
