"""What looks make of a model's health: cases that a person can read, and a machine that tries all orders.

A case is a line of looks, the oldest first: `.` good, `x` failed, `r` a refused key or a used-up quota, `?`
limited or not to be told. Beside it stands the state after each of them, by its first letter.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.watch.judgement import (
    Health,
    Look,
    Memory,
    Reason,
    Result,
    Rules,
    State,
    accepted,
    is_stale,
    judge,
    result_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESULTS: dict[str, Result] = {".": "good", "x": "failed", "r": "refused", "?": "untold"}

CASES: list[tuple[str, State, str, str]] = [
    # what it is, state before, looks, state after each look
    ("a good one stays up", "up", "....", "uuuu"),
    ("a first good look tells", "unknown", ".", "u"),
    ("nothing told, nothing known", "unknown", "??", "??"),
    ("one failure is no outage", "up", "x.", "uu"),
    ("two failures are none", "up", "xx.", "uuu"),
    ("the third in a row is", "up", "xxx", "uud"),
    ("of an unknown one too", "unknown", "xxx", "??d"),
    ("limited in between counts as neither", "up", "x?x?x", "uuuud"),
    ("limits alone take nobody down", "up", "??????", "uuuuuu"),
    ("a refused key needs one repeat", "up", "rr", "ud"),
    ("a refusal once is none", "up", "r.r.", "uuuu"),
    ("failed, then refused, then refused", "up", "xrr", "uud"),
    ("failed, refused, failed: three in a row", "up", "xrx", "uud"),
    ("recovery takes two", "down", "..", "du"),
    ("a failure in between starts anew", "down", ".x..", "dddu"),
    ("limited in between does not", "down", ".?.", "ddu"),
    ("an outage is no unsteadiness", "up", "xxxxxxxx..", "uudddddddu"),
    ("every fifth fails: never flaps", "up", "....x" * 8, "u" * 40),
    ("every second fails: unsteady, and stays so", "up", "x." * 12, "u" * 8 + "g" * 16),
    ("a degraded one needs two good ones", "degraded", "...", "guu"),
    ("unsteady ends when two are left of twenty", "up", "x." * 5 + "." * 17, "u" * 8 + "g" * 17 + "uu"),
]
LETTERS: dict[State, str] = {"up": "u", "degraded": "g", "down": "d", "unknown": "?"}


def look(result: Result = "good", at: datetime = NOON, **more: object) -> Look:
    """A look; a failed one has a code."""
    code = {"failed": "endpoint_error", "refused": "invalid_credentials", "untold": "rate_limited"}
    return replace(Look(at=at, result=result, code=code.get(result, "")), **more)  # type: ignore[arg-type]


def after(health: Health, *looks: Look, rules: Rules = Rules()) -> Health:  # noqa: B008 - frozen
    """The health after these looks."""
    for one in looks:
        health = judge(health, one, rules).health
    return health


@pytest.mark.parametrize(
    ("before", "looks", "states"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_states(before: State, looks: str, states: str) -> None:
    health, seen = Health(before, NOON), ""
    for place, letter in enumerate(looks):
        at = NOON + timedelta(seconds=30 * place)
        health = judge(health, look(RESULTS[letter], at), Rules()).health
        seen += LETTERS[health.state]
    assert seen == states


@pytest.mark.parametrize(
    ("looks", "waits"),
    [
        (".", [300]),
        ("x", [30]),
        ("xx", [30, 60]),
        ("xxx", [30, 60, 300]),
        ("x?", [30, 60]),
        ("xxx.", [30, 60, 300, 30]),
        ("xxx..", [30, 60, 300, 30, 300]),
    ],
)
def test_when_it_is_looked_at_again(looks: str, waits: list[int]) -> None:
    health, seen = Health("up", NOON), []
    for letter in looks:
        judged = judge(health, look(RESULTS[letter]), Rules())
        health = judged.health
        seen.append(judged.wait_s)
    assert seen == waits


def test_no_repeat_waits_longer_than_the_interval() -> None:
    assert judge(Health("up", NOON), look("failed"), Rules(every_s=10)).wait_s == 10


@pytest.mark.parametrize(("failures", "states"), [(1, "d"), (2, "ud"), (5, "uuuud")])
def test_how_many_failures_is_a_setting(failures: int, states: str) -> None:
    health, seen = Health("up", NOON), ""
    for _ in states:
        health = after(health, look("failed"), rules=Rules(failures=failures))
        seen += LETTERS[health.state]
    assert seen == states


def test_since_is_when_the_state_changed() -> None:
    times = [NOON + timedelta(minutes=n) for n in range(5)]
    health = after(Health("up", NOON - timedelta(days=1)), *(look("failed", at) for at in times))
    assert (health.state, health.since) == ("down", times[2])


def test_the_reason_is_what_the_last_failure_said() -> None:
    failed = replace(look("failed"), code="timeout", message="No answer within 60 s.")
    assert after(Health("up", NOON), look("failed"), look("failed"), failed).reason == Reason(
        "timeout", "No answer within 60 s."
    )


def test_the_reason_stays_until_it_is_up_again() -> None:
    down = after(Health("up", NOON), *[look("failed")] * 3)
    once, twice = after(down, look()), after(down, look(), look())
    assert once.reason == down.reason
    assert twice.reason is None


def test_a_capability_is_lost_after_two_full_probes() -> None:
    without = look(missing=frozenset({"vision"}))
    once = after(Health("up", NOON), without, look())
    twice = after(once, without)
    assert (once.state, twice.state) == ("up", "degraded")
    assert twice.reason == Reason("capability_lost", "Two full probes in a row did not see: vision.")


def test_a_capability_that_is_absent_again_is_lost() -> None:
    """After the first full probe the model is known not to have it, so the second sees nothing go."""
    first, second = look(missing=frozenset({"vision"})), look(absent=frozenset({"vision", "never had"}))
    assert after(Health("up", NOON), first, second).reason == Reason(
        "capability_lost", "Two full probes in a row did not see: vision."
    )


def test_a_capability_seen_again_in_between_is_not_lost() -> None:
    without, again = look(missing=frozenset({"vision"})), look(seen=frozenset({"vision"}))
    assert after(Health("up", NOON), without, again, without).state == "up"


def test_a_lost_capability_that_is_seen_again_recovers() -> None:
    lost = after(Health("up", NOON), *[look(missing=frozenset({"vision"}))] * 2)
    again = look(seen=frozenset({"vision"}))
    assert [after(lost, again).state, after(lost, again, look()).state] == ["degraded", "up"]


@pytest.mark.parametrize(
    ("week_ms", "now_ms", "state"),
    [
        (400, 1300, "degraded"),
        (400, 1200, "up"),  # three times, not more
        (300, 1000, "up"),  # a second, not more
        (None, 9000, "up"),  # nothing to compare with
    ],
)
def test_slow(week_ms: int | None, now_ms: int, state: State) -> None:
    health = Health("up", NOON, memory=Memory(week_p95_ms=week_ms))
    assert after(health, *[look(latency_ms=now_ms)] * 12).state == state


def test_another_model_answers() -> None:
    health = after(Health("up", NOON), look(answered_by="m-1"))
    once = after(health, look(answered_by="m-2"))
    twice = after(once, look(answered_by="m-2"))
    assert (once.state, twice.state) == ("up", "degraded")
    assert twice.reason == Reason("other_model", "m-2 answers; before it was m-1.")


def test_two_models_that_take_turns_do_not_flap() -> None:
    turns = [look(answered_by=name) for name in ("m-1", "m-2") * 10]
    states = [after(Health("up", NOON), *turns[:n]).state for n in range(1, 20)]
    assert set(states) == {"up"}


def test_vectors_of_another_length() -> None:
    health = after(Health("up", NOON), look(dimensions=768), *[look(dimensions=1024)] * 2)
    assert health.reason == Reason("other_dimensions", "Vectors have 1024 numbers; before it was 768.")


def test_a_persons_probe_sets_what_is_expected() -> None:
    health = after(Health("up", NOON), look(answered_by="m-1"), *[look(answered_by="m-2")] * 2)
    judged_anew = accepted(health, NOON, works=True)
    assert after(judged_anew, *[look(answered_by="m-2")] * 3).state == "up"


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (None, "good"),
        ("rate_limited", "untold"),
        ("quota_exhausted", "refused"),
        ("invalid_credentials", "refused"),
        ("timeout", "failed"),
        ("model_not_found", "failed"),
    ],
)
def test_what_a_diagnosis_means(code: str | None, result: Result) -> None:
    assert result_of(code) == result


@pytest.mark.parametrize(("age_s", "stale"), [(900, False), (901, True)])
def test_stale_after_three_intervals(age_s: int, stale: bool) -> None:
    assert is_stale(NOON - timedelta(seconds=age_s), NOON, 300) is stale


def test_never_looked_at_is_stale() -> None:
    assert is_stale(None, NOON, 300)


class AnyOrder(RuleBasedStateMachine):
    """Looks in any order: what must hold after each of them."""

    @initialize(state=st.sampled_from(["up", "degraded", "down", "unknown"]), failures=st.integers(1, 5))
    def begin(self, state: State, failures: int) -> None:
        self.chosen = Rules(failures=failures)
        self.health, self.counted, self.before = Health(state, NOON), "", state
        self.now = NOON

    @rule(
        result=st.sampled_from(list(RESULTS.values())),
        latency=st.none() | st.integers(0, 5000),
        name=st.sampled_from([None, "m-1", "m-2"]),
        missing=st.frozensets(st.sampled_from(["vision", "streaming"])),
    )
    def look_at_it(
        self, result: Result, latency: int | None, name: str | None, missing: frozenset[str]
    ) -> None:
        self.before, self.now = self.health.state, self.now + timedelta(seconds=30)
        seen = look(result, self.now, latency_ms=latency, answered_by=name, missing=missing)
        judged = judge(self.health, seen, self.chosen)
        assert 0 < judged.wait_s <= self.chosen.every_s
        self.health = judged.health
        self.counted += {"good": ".", "untold": ""}.get(result, "x")

    @invariant()
    def never_up_after_its_last_looks_failed(self) -> None:
        if self.counted.endswith("x" * self.chosen.failures):
            assert self.health.state == "down"

    @invariant()
    def never_back_after_one_good_look(self) -> None:
        if self.before == "down" and self.health.state != "down":
            assert self.counted.endswith("..")

    @invariant()
    def a_failure_never_makes_it_up(self) -> None:
        if self.counted.endswith("x") and self.before != "up":
            assert self.health.state != "up"

    @invariant()
    def what_is_wrong_has_a_reason(self) -> None:
        if self.counted and self.health.state == "up":
            assert self.health.reason is None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
