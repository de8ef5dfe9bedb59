"""What a measurement gives back, and how rounds become one number."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Finding:
    """One number and the bound it should keep; a bound of None is only told."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the bound holds."""
        low_enough = self.at_most is None or self.value <= self.at_most
        return low_enough and (self.at_least is None or self.value >= self.at_least)

    def __str__(self) -> str:
        bound = ""
        if self.at_most is not None:
            bound = f"at most {self.at_most:g}"
        if self.at_least is not None:
            bound = f"at least {self.at_least:g}"
        state = "" if not bound else "ok" if self.kept else "BROKEN"
        return f"  {self.name:<68} {self.value:>10.3f} {self.unit:<8} {bound:<14} {state}"


@dataclass(frozen=True, slots=True)
class Remark:
    """A line for people, such as why something was not measured."""

    text: str
    kept: bool = True

    def __str__(self) -> str:
        return f"  {self.text}"


def seconds(what: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """The processor time that these have used so far, in seconds."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def p95(numbers: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(numbers, n=20)[18]


def side_by_side(rounds: int, *what: Callable[[], float]) -> list[list[float]]:
    """Each measurement in turn, round after round, so that a slow moment of the machine meets all of them."""
    taken: list[list[float]] = [[] for _ in what]
    for _ in range(rounds):
        for numbers, measure in zip(taken, what, strict=True):
            numbers.append(measure())
    return taken


def median_ratio(numbers: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios of each round."""
    return statistics.median(one / other for one, other in zip(numbers, to, strict=True))
