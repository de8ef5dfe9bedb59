"""What a baseline comes to: few enough numbers to be kept with a model and compared with in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.watch.identity.distance import between
from app.watch.identity.samples import Kind, Rows

LEAST: dict[Kind, float] = {"logprobs": 0.0002, "words": 0.0}
"""Nearer than this nothing has changed: values are kept to four decimals, and arithmetic in another order
moves the last of them."""
BEYOND_NOISE: dict[Kind, float] = {"logprobs": 1.25, "words": 1.0}
"""A window must lie this many times as far out as the farthest part of the baseline."""
_FURTHER = 1.0
"""How far past its ends the line between them counts as near, in its own lengths: the busiest day is busier
than the first."""
_COME_BACK, _STRAYS = 2, 4
_SMALLEST_CLOUD = 0.05
"""Of the samples; fewer are strays."""


@dataclass(frozen=True, slots=True)
class Learned:
    """`ends`: two rows between which the baseline lies (twice the same where it is one cloud); `noise`: how
    far a stretch of it, as long as a window, lay from there at most.
    """

    kind: Kind
    ends: Rows
    noise: float
    strays: Sequence[Rows] = ()
    """Where windows lay that were told to differ, and went away again. After two of them these are replicas
    that the baseline had not met, and answers from there are no news any more."""

    def far(self, means: Rows) -> NDArray[np.float64]:
        """How far the means of windows (along the last axis) lie from the line through both ends.

        So a replica that answers alone for a while is near, and so is a load that drifts along that line.
        """
        found = self._from_line(means, self.ends[0], self.ends[1])
        middle = self.ends.mean(axis=0)
        for stray in self.strays if len(self.strays) >= _COME_BACK else ():
            found = np.minimum(found, self._from_line(means, middle, stray))
        return found

    def _from_line(self, means: Rows, begin: Rows, end: Rows) -> NDArray[np.float64]:
        along = end - begin
        length = float(along @ along)
        share = np.zeros(means.shape[:-1])
        if length:
            share = np.clip((means - begin) @ along / length, -_FURTHER, 1 + _FURTHER)
        return between(self.kind, means, begin + share[..., None] * along)

    def fits(self, means: Rows) -> NDArray[np.bool_]:
        """Which of these windows lie within the noise."""
        found: NDArray[np.bool_] = self.far(means) <= max(
            LEAST[self.kind], BEYOND_NOISE[self.kind] * self.noise
        )
        return found

    def strayed(self, mean: Rows) -> Learned:
        """The same, after windows with this mean were told and went away again."""
        return replace(self, strays=[*self.strays, mean][-_STRAYS:])


def learn(kind: Kind, baseline: Rows, window: int) -> Learned:
    """What the rows of a baseline come to, the oldest first, for windows of so many rows."""
    ends = clouds(baseline) if kind == "logprobs" else np.tile(baseline.mean(axis=0), (2, 1))
    count = len(baseline) // window
    stretches = baseline[: count * window].reshape(count, window, -1).mean(axis=1)
    # Each stretch is part of what it is compared with, and lies nearer for that.
    alone = len(baseline) / max(len(baseline) - window, 1)
    return Learned(kind, ends, float(Learned(kind, ends, 0.0).far(stretches).max()) * alone)


def clouds(rows: Rows) -> Rows:
    """The centres of the two clouds that rows fall into: divided where that leaves the least variance, along
    the direction of the largest (Otsu 1979 on the first principal component).
    """
    centred = rows - rows.mean(axis=0)
    along = np.linalg.svd(centred, full_matrices=False)[2][0]
    order = np.argsort(centred @ along)
    sums = np.cumsum((centred @ along)[order])[:-1]
    below = np.arange(1, len(rows))
    gains = sums**2 / below + sums**2 / (len(rows) - below)
    few = max(1, round(len(rows) * _SMALLEST_CLOUD))
    split = few + int(np.argmax(gains[few - 1 : len(rows) - few])) if len(rows) > 2 * few else len(rows) // 2
    return np.stack([rows[order[:split]].mean(axis=0), rows[order[split:]].mean(axis=0)])
