"""How far two sets of samples are apart, and how easily chance alone would bring them there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.watch.identity.samples import Kind, Rows

PERMUTATIONS = 999
"""The smallest p that these can show is 1/1000."""


class Apart(NamedTuple):
    """`distance` in the samples' own unit; `p`: the share of random divisions at least as far apart."""

    distance: float
    p: float


def between(kind: Kind, first: Rows, second: Rows) -> NDArray[np.float64]:
    """How far means lie apart, along the last axis.

    Log-probabilities: the mean over the tokens of |difference|, in nats a token; the statistic of
    arXiv 2512.03816, section 3. Words: half the sum, which is the total variation: the share of answers that
    would have to be other words, 0 to 1.
    """
    differences = np.abs(first - second)
    found: NDArray[np.float64] = (
        differences.mean(axis=-1) if kind == "logprobs" else differences.sum(axis=-1) / 2
    )
    return found


def distance(kind: Kind, first: Rows, second: Rows) -> float:
    """How far the means of two sets of rows lie apart."""
    return float(between(kind, first.mean(axis=0), second.mean(axis=0)))


def apart(
    kind: Kind, baseline: Rows, window: Rows, random: np.random.Generator, permutations: int = PERMUTATIONS
) -> Apart:
    """A two-sample permutation test: are the rows of the window such as the baseline could have given?

    Under "nothing changed" every division of all rows in two is as likely, several clouds of several replicas
    included, so p is honest for any noise that does not depend on the time. p = (1 + divisions at least as
    far apart) / (1 + all divisions), Phipson and Smyth 2010, so it is never 0. The columns must not favour
    either set: those of words come from both.
    """
    found = distance(kind, baseline, window)
    rows = np.vstack((baseline, window))
    total, all_rows, size = rows.sum(axis=0), len(rows), len(window)
    chosen = np.argpartition(random.random((permutations, all_rows), np.float32), size, axis=1)[:, :size]
    # One product in place of `rows[chosen].sum(axis=1)`, which takes a gigabyte where the words are many.
    drawn = np.zeros((permutations, all_rows))
    np.put_along_axis(drawn, chosen, 1.0, axis=1)
    sums = drawn @ rows
    others = (total - sums) / (all_rows - size)
    farther = between(kind, sums / size, others) >= found - 1e-9
    return Apart(found, (1 + int(farther.sum())) / (1 + permutations))
