"""Timings, each beside a yardstick of the same run: `make bench`.

A bench is a module with `run() -> list[Line]` and a line in BENCHES of `__main__`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure: what was timed, its yardstick, both in seconds, and the ratio that must not be passed."""

    what: str
    seconds: float
    yardstick: str
    yardstick_seconds: float
    at_most: float

    @property
    def ratio(self) -> float:
        """How many yardsticks it took."""
        return self.seconds / self.yardstick_seconds

    @property
    def holds(self) -> bool:
        """Whether it is quick enough."""
        return self.ratio <= self.at_most
