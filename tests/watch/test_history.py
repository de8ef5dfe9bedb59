"""Uptime and roll-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watch.history import (
    HOUR,
    Bucket,
    Seconds,
    Seen,
    Stretch,
    bucket_of,
    day_of,
    hour_of,
    merged,
    percentile,
    seconds_in,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Noon and some minutes."""
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("stretches", "down", "known", "uptime"),
    [
        ([("up", 0, 60)], 0, 3600, 1.0),
        ([("up", 0, 30), ("down", 30, 60)], 1800, 3600, 0.5),
        ([("degraded", 0, 60)], 0, 3600, 1.0),
        ([("up", 0, 30)], 0, 1800, 1.0),  # the other half is unknown and counts as neither
        ([("down", 0, 15), ("unknown", 15, 60)], 900, 900, 0.0),
        ([("up", -60, 30), ("down", 30, 300)], 1800, 3600, 0.5),  # only what lies within
        ([], 0, 0, None),
    ],
)
def test_uptime_of_an_hour(
    stretches: list[tuple[str, float, float]], down: float, known: float, uptime: float | None
) -> None:
    found = seconds_in([Stretch(s, at(a), at(b)) for s, a, b in stretches], NOON, NOON + HOUR)
    assert (found.down, found.known, found.uptime) == (down, known, uptime)


@given(
    st.lists(
        st.tuples(st.sampled_from(["up", "down", "degraded", "unknown"]), st.integers(1, 20_000)), max_size=30
    )
)
def test_hours_and_days_add_up_to_the_whole(lengths: list[tuple[str, int]]) -> None:
    stretches, begin = [], NOON
    for state, seconds in lengths:
        stretches.append(Stretch(state, begin, begin + timedelta(seconds=seconds)))
        begin = stretches[-1].end
    hours = [NOON + n * HOUR for n in range(24 * 8)]
    by_hour = [Bucket(seconds=seconds_in(stretches, hour, hour + HOUR)) for hour in hours]
    whole = seconds_in(stretches, NOON, hours[-1] + HOUR)
    assert merged(by_hour).seconds == whole
    assert whole.down == sum(seconds for state, seconds in lengths if state == "down")


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [([], 50, None), ([7], 99, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 101)), 95, 95)],
)
def test_percentiles_by_nearest_rank(values: list[int], percent: int, wanted: int | None) -> None:
    assert percentile(values, percent) == wanted


def test_the_bucket_of_an_hour() -> None:
    looks = [Seen(False, 100, 12), Seen(False, 300, 12), Seen(True, 60_000, 0)]
    assert bucket_of(looks, Seconds(60, 3600)) == Bucket(3, 1, Seconds(60, 3600), 100, 300, 300, 24)


def test_a_busy_hour_weighs_more() -> None:
    quiet, busy = Bucket(checks=1, p50_ms=9000), Bucket(checks=99, p50_ms=100)
    assert merged([quiet, busy]).p50_ms == 100


def test_borders() -> None:
    moment = at(95)
    assert (hour_of(moment), day_of(moment)) == (at(60), NOON.replace(hour=0))
