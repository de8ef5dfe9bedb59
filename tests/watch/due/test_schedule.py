"""When models are due, and how they are looked at."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watch.due.schedule import Kind, Plan, Spent, allowed_every_s, first_due, kind_of_look, next_due

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = Plan(every_s=300, full_hours=24, tokens_per_day=50_000)
HOUR = timedelta(hours=1)


def test_a_thousand_models_are_spread_over_the_interval() -> None:
    due = Counter(first_due(f"model {n}", NOON, 300) for n in range(1000))
    assert max(due.values()) <= 12  # 3.3 on average
    assert all(NOON <= at < NOON + timedelta(seconds=300) for at in due)


@given(st.text(max_size=40), st.integers(5, 86_400), st.integers(0, 10**6))
def test_a_regular_look_keeps_its_moment(id: str, every_s: int, late_s: int) -> None:
    first = first_due(id, NOON, every_s)
    late = first + timedelta(seconds=late_s % (every_s // 2 + 1))
    following = next_due(id, late, every_s, every_s)
    assert (following - first).total_seconds() % every_s == 0
    assert timedelta(0) < following - late <= timedelta(seconds=1.5 * every_s + 1)


def test_looked_at_on_time_it_is_due_again_an_interval_later() -> None:
    first = first_due("a", NOON, 300)
    assert next_due("a", first + timedelta(seconds=2), 300, 300) == first + timedelta(seconds=300)


def test_a_repeat_waits_as_long_as_it_says() -> None:
    assert next_due("a", NOON, 30, 300) == NOON + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("model_type", "tokens", "proven", "full", "kind"),
    [
        ("chat", 0, NOON, NOON, "proof"),
        ("chat", 0, NOON, NOON - 24 * HOUR, "full"),
        ("chat", 0, NOON, None, "full"),
        ("chat", 50_000, NOON, None, "catalog"),
        ("image", 0, NOON - 5 * HOUR, NOON, "catalog"),
        ("image", 0, NOON - 6 * HOUR, NOON, "proof"),
        ("image", 0, None, NOON, "proof"),
        ("rerank", 0, NOON - HOUR, NOON, "catalog"),
        ("embedding", 0, NOON - HOUR, NOON, "proof"),
    ],
)
def test_how_it_is_looked_at(
    model_type: str, tokens: int, proven: datetime | None, full: datetime | None, kind: Kind
) -> None:
    assert kind_of_look(model_type, PLAN, Spent(tokens, 10), NOON, proven, full) == kind


def test_no_whole_probes_where_they_are_switched_off() -> None:
    assert kind_of_look("chat", Plan(300, 0, 50_000), Spent(), NOON, NOON, None) == "proof"


@pytest.mark.parametrize(
    ("tokens", "looks", "every_s"),
    [
        (0, 0, 300),
        (24_000, 100, 300),  # less than half is used
        (26_000, 10, 3600),  # 2,600 a look: nine are left for twelve hours, and hourly is the rarest
        (26_000, 100, 468),  # 260 a look: 92 are left for twelve hours
        (50_000, 100, 3600),
    ],
)
def test_near_the_ceiling_looks_get_rarer(tokens: int, looks: int, every_s: int) -> None:
    assert allowed_every_s(PLAN, Spent(tokens, looks), NOON) == every_s


def test_never_more_often_than_asked_for() -> None:
    assert allowed_every_s(Plan(7200, 24, 50_000), Spent(50_000, 5), NOON) == 7200
