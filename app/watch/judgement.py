"""The health of a model as looks make it: a state, a look, and the state after it.

Nothing in here reads a clock, a database or the network, so every case can be written down as a line.
The rules are those of docs/watch.md:

- A failed look is repeated after 30 s, then after 60 s; with the third failure in a row the model is down.
- A refused key, a missing right or a used-up quota is repeated once.
- Being limited, or an answer that could not be told, counts as neither good nor bad.
- Five failures among twenty looks make a model degraded ("unsteady"), as do a capability that two full probes
  in a row no longer see, a p95 three times the week's and over a second, and two answers in a row by another
  model or with a vector of another length.
- What was down or degraded is up again after two good looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from app.watch.history import percentile

State = Literal["up", "degraded", "down", "unknown"]
Result = Literal["good", "failed", "refused", "untold"]
FAILED: tuple[Result, ...] = ("failed", "refused")
"""What counts against a model."""
Complaint = Literal["unsteady", "capability_lost", "slow", "other_model", "other_dimensions"]

RECENT = 20
_UNSTEADY, _STEADY = 5, 2
_SLOWER, _SLOW_MS, _TIMED = 3, 1000, 10
_TWICE = 2
FIRST_REPEAT_S, REPEAT_S = 30, 60
STALE_INTERVALS = 3

_REFUSED = frozenset({"invalid_credentials", "permission_denied", "quota_exhausted"})
_UNTOLD = frozenset({"rate_limited", "capability_contradicted"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How often a model is looked at, in seconds, and how many failures in a row take it down."""

    every_s: int = 300
    failures: int = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a model is not up: a code of a diagnosis or a complaint, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look saw.

    Of a full probe, `seen` are the capabilities that work, `absent` those that do not, and `missing` those of
    them that the model had until now. `of_all`: the endpoint's list of models failed as the model did.
    """

    at: datetime
    result: Result
    code: str = ""
    message: str = ""
    of_all: bool = False
    latency_ms: int | None = None
    answered_by: str | None = None
    dimensions: int | None = None
    missing: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a judgement remembers of earlier looks.

    `recent` holds the last twenty that counted, the oldest first: `.` good, `x` not. `expected_*` is what
    answered before; `others_*` counts the answers in a row by something else. `missing` counts, by
    capability, the full probes in a row that did not see it.
    """

    failures: int = 0
    refusals: int = 0
    good: int = 0
    calm: int = 0
    recent: str = ""
    latencies: tuple[int, ...] = ()
    week_p95_ms: int | None = None
    expected_model: str | None = None
    other_model: str | None = None
    other_models: int = 0
    expected_dimensions: int | None = None
    other_dimensions: int | None = None
    other_lengths: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a model, since when and why, and what the next judgement needs to know."""

    state: State = "unknown"
    since: datetime | None = None
    reason: Reason | None = None
    memory: Memory = Memory()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The health after a look, and in how many seconds the model is to be looked at again."""

    health: Health
    wait_s: int


def result_of(code: str | None) -> Result:
    """What a diagnosis means for health; None is no diagnosis: it worked."""
    if code is None:
        return "good"
    if code in _UNTOLD:
        return "untold"
    return "refused" if code in _REFUSED else "failed"


def judge(health: Health, look: Look, rules: Rules) -> Judgement:
    """The health after `look`, and when the next one is due."""
    if look.result == "untold":
        pending = health.memory.failures > 0 and health.state != "down"
        return Judgement(health, min(REPEAT_S, rules.every_s) if pending else rules.every_s)
    memory = _remember(health.memory, look)
    state = _failed_state(health, memory, rules) if look.result != "good" else _good_state(health, memory)
    if state == "down" or health.state == "down":
        memory = replace(memory, recent="")  # an outage is no unsteadiness
    return Judgement(_after(health, state, memory, look), _wait_s(state, memory, look, rules))


def accepted(health: Health, at: datetime, *, works: bool, reason: Reason | None = None) -> Health:
    """The health after a person's own probe: what it saw is what is expected from now on."""
    state: State = "up" if works else "down"
    since = health.since if state == health.state else at
    memory = Memory(week_p95_ms=health.memory.week_p95_ms)
    return Health(state, since, None if works else reason, memory)


def failed_once(memory: Memory) -> Memory:
    """The memory of a model that failed, and was answered when that was repeated: it counts as unsteady."""
    return replace(memory, recent=(memory.recent + "x")[-RECENT:])


def is_stale(last_check: datetime | None, now: datetime, every_s: int) -> bool:
    """Whether a state is older than three intervals, and so tells nothing of today."""
    return last_check is None or now - last_check > timedelta(seconds=STALE_INTERVALS * every_s)


def _remember(memory: Memory, look: Look) -> Memory:
    good = look.result == "good"
    counted = replace(
        memory,
        failures=0 if good else memory.failures + 1,
        refusals=memory.refusals + 1 if look.result == "refused" else 0,
        good=memory.good + 1 if good else 0,
        recent=(memory.recent + ("." if good else "x"))[-RECENT:],
    )
    if good:
        counted = _remember_answer(counted, look)
    complaints = _complaints(counted)
    return replace(counted, complaints=complaints, calm=counted.calm + 1 if good and not complaints else 0)


def _remember_answer(memory: Memory, look: Look) -> Memory:
    if look.latency_ms is not None:
        memory = replace(memory, latencies=(*memory.latencies, look.latency_ms)[-RECENT:])
    if look.answered_by is not None:
        expected = memory.expected_model or look.answered_by
        same = look.answered_by == expected
        memory = replace(
            memory,
            expected_model=expected,
            other_model=None if same else look.answered_by,
            other_models=0 if same else memory.other_models + 1,
        )
    if look.dimensions is not None:
        length = memory.expected_dimensions or look.dimensions
        same = look.dimensions == length
        memory = replace(
            memory,
            expected_dimensions=length,
            other_dimensions=None if same else look.dimensions,
            other_lengths=0 if same else memory.other_lengths + 1,
        )
    missing = {name: times for name, times in memory.missing.items() if name not in look.seen}
    missing |= {n: missing.get(n, 0) + 1 for n in look.missing | (look.absent & missing.keys())}
    return replace(memory, missing=missing)


def _complaints(memory: Memory) -> tuple[Complaint, ...]:
    before = memory.complaints
    found: dict[Complaint, bool] = {
        "unsteady": memory.recent.count("x") >= (_STEADY + 1 if "unsteady" in before else _UNSTEADY),
        "capability_lost": bool(lost(memory)),
        "slow": _is_slow(memory, _SLOWER - 1 if "slow" in before else _SLOWER),
        "other_model": memory.other_models >= _TWICE or "other_model" in before and memory.other_models > 0,
        "other_dimensions": memory.other_lengths >= _TWICE
        or "other_dimensions" in before
        and memory.other_lengths > 0,
    }
    return tuple(name for name, there in found.items() if there)


def lost(memory: Memory) -> list[str]:
    """The capabilities that two full probes in a row did not see."""
    return sorted(name for name, times in memory.missing.items() if times >= _TWICE)


def _is_slow(memory: Memory, times: int) -> bool:
    week = memory.week_p95_ms
    if week is None or len(memory.latencies) < _TIMED:
        return False
    return _p95(memory) > max(times * week, _SLOW_MS)


def _p95(memory: Memory) -> int:
    return percentile(memory.latencies, 95) or 0


def _failed_state(health: Health, memory: Memory, rules: Rules) -> State:
    down = memory.failures >= rules.failures or memory.refusals >= min(_TWICE, rules.failures)
    if down or health.state == "down":
        return "down"
    return "degraded" if health.state == "up" and memory.complaints else health.state


def _good_state(health: Health, memory: Memory) -> State:
    target: State = "degraded" if memory.complaints else "up"
    if health.state == "down":
        return target if memory.good >= _TWICE else "down"
    if health.state == "degraded":
        return "up" if memory.calm >= _TWICE else "degraded"
    return target


def _after(health: Health, state: State, memory: Memory, look: Look) -> Health:
    since = health.since if state == health.state and health.since else look.at
    return Health(state, since, _reason(health, state, memory, look), memory)


def _reason(health: Health, state: State, memory: Memory, look: Look) -> Reason | None:
    if state == "down":
        return health.reason if look.result == "good" else Reason(look.code, look.message)
    if state != "degraded":
        return None
    if memory.complaints:
        return Reason(memory.complaints[0], sentence_of(memory.complaints[0], memory))
    return health.reason


def sentence_of(complaint: Complaint, memory: Memory) -> str:
    """A complaint in words."""
    week_ms = memory.week_p95_ms or 0
    return {
        "unsteady": f"{memory.recent.count('x')} of the last {len(memory.recent)} looks failed.",
        "capability_lost": f"Two full probes in a row did not see: {', '.join(lost(memory))}.",
        "slow": f"The p95 is {_p95(memory) / 1000:.1f} s, that of the week {week_ms / 1000:.1f} s.",
        "other_model": f"{memory.other_model} answers; before it was {memory.expected_model}.",
        "other_dimensions": f"Vectors have {memory.other_dimensions} numbers; before it was "
        f"{memory.expected_dimensions}.",
    }[complaint]


def _wait_s(state: State, memory: Memory, look: Look, rules: Rules) -> int:
    if look.result != "good":
        repeated = FIRST_REPEAT_S if memory.failures == 1 else REPEAT_S
        return rules.every_s if state == "down" else min(repeated, rules.every_s)
    settled = state == "up" or state == "degraded" and bool(memory.complaints)
    return rules.every_s if settled else min(FIRST_REPEAT_S, rules.every_s)
