"""What workers count for /metrics, over all of them and over their restarts."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter

from sqlalchemy import Float, String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, db

BUCKETS_MS = (50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
"""Upper bounds of the histograms; what took longer is in a bucket of its own."""
SUM = "sum"


class WatchCount(Base):
    """One number that only grows. `label` depends on `name`: of a histogram it is a bucket's upper bound."""

    __tablename__ = "watch_counts"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[float] = mapped_column(Float(53), default=0.0)


class Counts:
    """What a worker counted since it was last written down; its threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Counter[tuple[str, str, str]] = Counter()

    def add(self, name: str, endpoint_id: str, label: str, value: int = 1) -> None:
        """Count one, or `value`."""
        with self._lock:
            self._found[name, endpoint_id, label] += value

    def observe(self, name: str, endpoint_id: str, took_ms: int | None) -> None:
        """Put a time into its bucket; None is no time."""
        if took_ms is None:
            return
        place = bisect_left(BUCKETS_MS, took_ms)
        self.add(name, endpoint_id, str(BUCKETS_MS[place]) if place < len(BUCKETS_MS) else "+Inf")
        self.add(name, endpoint_id, SUM, took_ms)

    def write(self) -> None:
        """Add it all to what the database holds. Commits."""
        with self._lock:
            found, self._found = self._found, Counter()
        if not found:
            return
        names = ("name", "endpoint_id", "label", "value")
        # In one order, so that two workers that write at once do not wait for each other.
        rows = [dict(zip(names, (*key, value), strict=True)) for key, value in sorted(found.items())]
        dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(WatchCount)
        grown = {"value": WatchCount.value + insert.excluded.value}
        db.session.execute(insert.on_conflict_do_update(index_elements=names[:3], set_=grown), rows)
        db.session.commit()
