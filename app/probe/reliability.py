"""How often a check passes: counts of repeated runs, what they say of its rate, kinds of error."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

ErrorKind = Literal[
    "no_call",
    "wrong_name",
    "arguments_not_json",
    "arguments_against_schema",
    "cut_off",
    "refused_by_limits",
    "other",
]
FEWEST, MOST = 2, 50
"""How often a check may be repeated."""
_Z = 1.959964
"""Of a 95 % interval."""
_STREAKS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Repeat:
    """What to repeat: the names of checks, and how many times each."""

    times: int
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a check; `error` is None where it passed."""

    check: str
    error: ErrorKind | None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Reliability:
    """What the runs of one check tell together."""

    check: str
    runs: int
    passed: int
    errors: Mapping[ErrorKind, int]
    example: str = ""
    """The evidence of one run that did not pass."""

    def as_dict(self) -> dict[str, Any]:
        """The same for the report: the rate and pass^k, each with the bounds of its 95 % interval."""
        low, high = wilson(self.passed, self.runs)
        return {
            "check": self.check,
            "runs": self.runs,
            "passed": self.passed,
            "rate": _rounded(self.passed / self.runs),
            "interval": [_rounded(low), _rounded(high)],
            "pass_hat": {
                str(k): {
                    "estimate": _rounded(pass_hat(self.passed, self.runs, k)),
                    "interval": [_rounded(low**k), _rounded(high**k)],
                }
                for k in _STREAKS
                if k <= self.runs
            },
            "errors": dict(self.errors),
            "example": self.example,
        }


def reliability_of(check: str, trials: Iterable[Trial]) -> Reliability:
    """The runs of one check, counted."""
    mine = [trial for trial in trials if trial.check == check]
    failed = [trial for trial in mine if trial.error is not None]
    errors = Counter(trial.error for trial in failed if trial.error is not None)
    example = failed[0].evidence if failed else ""
    return Reliability(check, len(mine), len(mine) - len(failed), errors, example)


def wilson(passed: int, runs: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson 1927): true also for few runs, and for none or all that passed."""
    if runs == 0:
        return 0.0, 1.0
    rate, square = passed / runs, _Z * _Z
    middle = (rate + square / (2 * runs)) / (1 + square / runs)
    half = _Z / (1 + square / runs) * math.sqrt(rate * (1 - rate) / runs + square / (4 * runs * runs))
    return max(0.0, middle - half), min(1.0, middle + half)


def pass_hat(passed: int, runs: int, k: int) -> float:
    """pass^k: how likely k runs in a row all pass, without bias (τ-bench, arXiv 2406.12045)."""
    return math.comb(passed, k) / math.comb(runs, k)


def _rounded(value: float) -> float:
    return round(value, 4)
