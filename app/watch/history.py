"""What is left of looks: seconds in each state, percentiles, uptime. Pure: times are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

HOUR = timedelta(hours=1)
HOURS = 24
"""Those that lists tell of, the present one included."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in one state, `begin` included, `end` not."""

    state: str
    begin: datetime
    end: datetime

    def within(self, begin: datetime, end: datetime) -> float:
        """The seconds of it that lie between two moments."""
        overlap = min(self.end, end) - max(self.begin, begin)
        return max(0.0, overlap.total_seconds())


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a model was down, and how long its state was known at all."""

    down: float = 0.0
    known: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.down + other.down, self.known + other.known)

    @property
    def uptime(self) -> float | None:
        """The share of the known time that it was not down, 0 to 1; None where nothing is known."""
        return None if self.known <= 0 else 1 - self.down / self.known


def seconds_in(stretches: Iterable[Stretch], begin: datetime, end: datetime) -> Seconds:
    """How long it was down, and known, between two moments. Stretches must not overlap."""
    down = known = 0.0
    for stretch in stretches:
        if stretch.state == "unknown":
            continue
        seconds = stretch.within(begin, end)
        known += seconds
        down += seconds if stretch.state == "down" else 0.0
    return Seconds(down, known)


def percentile(values: Sequence[int], percent: int) -> int | None:
    """By nearest rank; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    """The beginning of its day (UTC)."""
    return hour_of(moment).replace(hour=0)


def begin_of_24_hours(now: datetime) -> datetime:
    """The first of the 24 hours, of which this one is the last."""
    return hour_of(now) - (HOURS - 1) * HOUR


@dataclass(frozen=True, slots=True)
class Bucket:
    """Looks of an hour or a day, rolled up. Percentiles of a day are those of its looks by hour, weighted."""

    checks: int = 0
    failures: int = 0
    seconds: Seconds = Seconds()
    p50_ms: int | None = None
    p95_ms: int | None = None
    p99_ms: int | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a bucket needs of a look."""

    failed: bool
    latency_ms: int | None
    tokens: int


def bucket_of(looks: Sequence[Seen], seconds: Seconds) -> Bucket:
    """The looks of an hour as one bucket."""
    times = [look.latency_ms for look in looks if look.latency_ms is not None and not look.failed]
    return Bucket(
        checks=len(looks),
        failures=sum(look.failed for look in looks),
        seconds=seconds,
        p50_ms=percentile(times, 50),
        p95_ms=percentile(times, 95),
        p99_ms=percentile(times, 99),
        tokens=sum(look.tokens for look in looks),
    )


def merged(buckets: Sequence[Bucket]) -> Bucket:
    """Several buckets as one. Counts and seconds are exact; of percentiles the weighted median is taken for
    p50, and for p95 and p99 the highest that is not rarer than they say.
    """
    return Bucket(
        checks=sum(bucket.checks for bucket in buckets),
        failures=sum(bucket.failures for bucket in buckets),
        seconds=sum((bucket.seconds for bucket in buckets), Seconds()),
        p50_ms=_weighted([(b.p50_ms, b.checks - b.failures) for b in buckets], 50),
        p95_ms=_weighted([(b.p95_ms, b.checks - b.failures) for b in buckets], 95),
        p99_ms=_weighted([(b.p99_ms, b.checks - b.failures) for b in buckets], 99),
        tokens=sum(bucket.tokens for bucket in buckets),
    )


def _weighted(values: Sequence[tuple[int | None, int]], percent: int) -> int | None:
    known = sorted((value, weight) for value, weight in values if value is not None and weight > 0)
    reached, wanted = 0, sum(weight for _, weight in known) * percent / 100
    for value, weight in known:
        reached += weight
        if reached >= wanted:
            return value
    return None
