"""How far two sets of samples are apart, and how easily chance alone would bring them there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.watch.identity.samples import Rows

PERMUTATIONS = 999
"""The smallest p that these can show is 1/1000."""


class Apart(NamedTuple):
    """`distance` in the samples' own unit; `p`: the share of random divisions at least as far apart."""

    distance: float
    p: float


def distance(first: Rows, second: Rows) -> float:
    """The mean over the columns of |mean of the first - mean of the second|.

    For log-probabilities that is the statistic of arXiv 2512.03816, section 3 (nats a token). For words it is
    twice the total variation divided by the number of columns.
    """
    return float(np.abs(first.mean(axis=0) - second.mean(axis=0)).mean())


def apart(
    baseline: Rows, window: Rows, random: np.random.Generator, permutations: int = PERMUTATIONS
) -> Apart:
    """A two-sample permutation test: are the rows of the window such as the baseline could have given?

    Under "nothing changed" every division of all rows in two is as likely, several clouds of several replicas
    included, so p is honest for any noise that does not depend on the time. p = (1 + divisions at least as
    far apart) / (1 + all divisions), Phipson and Smyth 2010, so it is never 0.
    """
    found = distance(baseline, window)
    rows = np.vstack((baseline, window))
    total, all_rows, size = rows.sum(axis=0), len(rows), len(window)
    chosen = np.argsort(random.random((permutations, all_rows)), axis=1)[:, :size]
    # One product in place of `rows[chosen].sum(axis=1)`, which takes a gigabyte where the words are many.
    drawn = np.zeros((permutations, all_rows))
    np.put_along_axis(drawn, chosen, 1.0, axis=1)
    sums = drawn @ rows
    others = (total - sums) / (all_rows - size)
    farther = np.abs(sums / size - others).mean(axis=1) >= found - 1e-9
    return Apart(found, (1 + int(farther.sum())) / (1 + permutations))
