"""When a model is looked at, and how: spread evenly, and within what it may cost.

Pure: times and counts are given.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["catalog", "proof", "full"]
"""How a model is looked at: by its endpoint's catalog and connection, by its proof, by the whole probe."""

EXPENSIVE = frozenset({"image", "tts", "stt", "realtime", "rerank"})
"""Types whose proof costs real money."""

EXPENSIVE_PROOF = timedelta(hours=6)
_NEAR, _RAREST_S, _DAY_S = 0.5, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is watched: seconds between looks, hours between whole probes (0: none), tokens a day."""

    every_s: int
    full_hours: int
    tokens_per_day: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a model's watch has used today: tokens, and looks that used any."""

    tokens: int = 0
    looks: int = 0


def phase_of(id: str, every_s: int) -> int:
    """The second of its interval at which a model is looked at: no two in step, the same on every machine."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8]) % every_s


def first_due(id: str, now: datetime, every_s: int) -> datetime:
    """The first moment at or after `now` that is the model's own."""
    second = int(now.timestamp())
    ahead = (phase_of(id, every_s) - second) % every_s
    return datetime.fromtimestamp(second + ahead, now.tzinfo)


def next_due(id: str, now: datetime, wait_s: int, every_s: int) -> datetime:
    """When to look next, after `wait_s` seconds: a regular look goes back to the model's own moment."""
    if wait_s < every_s:
        return now + timedelta(seconds=wait_s)
    # Half an interval from now at least, so that a late look does not make the next one early.
    return first_due(id, now + timedelta(seconds=every_s / 2), every_s)


def kind_of_look(
    model_type: str, plan: Plan, spent: Spent, now: datetime, proven: datetime | None, full: datetime | None
) -> Kind:
    """How to look now. `proven` and `full` say when the model was last proven, and wholly probed."""
    if spent.tokens >= plan.tokens_per_day:
        return "catalog"
    if plan.full_hours and (full is None or now - full >= timedelta(hours=plan.full_hours)):
        return "full"
    if model_type in EXPENSIVE and proven is not None and now - proven < EXPENSIVE_PROOF:
        return "catalog"
    return "proof"


def allowed_every_s(plan: Plan, spent: Spent, now: datetime) -> int:
    """The seconds between looks that the day's tokens allow.

    Beyond half of the ceiling what is left has to last until midnight UTC; never rarer than hourly, but for
    a model whose own interval is longer.
    """
    if spent.tokens < plan.tokens_per_day * _NEAR or not spent.looks:
        return plan.every_s
    left = plan.tokens_per_day - spent.tokens
    if left <= 0:
        return max(plan.every_s, _RAREST_S)
    looks_left = max(1.0, left * spent.looks / spent.tokens)
    seconds_left = _DAY_S - (now.hour * 3600 + now.minute * 60 + now.second)
    return max(plan.every_s, min(_RAREST_S, round(seconds_left / looks_left)))
