"""A year of the watch: what it takes on the disk, and whether its pages are as quick as on the first day.

A tenth of 1,000 models is given every row that a year at 300 s leaves: hours of 90 days, days of a year,
looks of two days, stretches of time, costs, samples, and the last twenty reports. The size is told for 1,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine, create_engine, insert, select

from app.store.base import Base, new_id
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import Look, ModelHealth, Rollup, Span, WatchCost
from app.store.watch.samples import ModelSample
from app.watch.identity.packing import packed
from tests.bench.databases import KINDS, databases
from tests.bench.measuring import Finding, cpu_of, p95, seconds
from tests.bench.serving import running
from tests.bench.stock import fill
from tests.load.running import Running

MODELS, OF = 100, 1000
EVERY_S = 300
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REPORTS, SAMPLES, SPANS_A_DAY = 20, 360, 2
ROUNDS = 15
AT_MOST_BYTES = 2 * 10**9
AT_MOST_S = 0.3
AT_ONCE = 5000


def measure() -> Iterator[Finding]:
    """For each database."""
    with databases() as made:
        for kind in KINDS:
            with running(made.folder / f"year-{kind}", made.new(kind), watch_seconds=0) as muster:
                engine = create_engine(muster.database_url)
                yield from _measured(muster, engine, kind)
                engine.dispose()


def _measured(muster: Running, engine: Engine, kind: str) -> Iterator[Finding]:
    fill(muster, MODELS)
    ids = _ids(engine)
    before, empty = _size(engine), _times(muster, ids[0])
    _report_twenty_times(engine, ids)
    _live_a_year(engine, ids)
    size = (_size(engine) - before) * OF / MODELS
    yield Finding(f"a year of {OF} models, from {MODELS}, {kind}", size / 1e9, "GB", AT_MOST_BYTES / 1e9)
    for name, (took, cpu) in _times(muster, ids[0]).items():
        yield Finding(f"  {name}, of a core", cpu, "s", AT_MOST_S)
        yield Finding("    on the first day", empty[name][1], "s")
        yield Finding("    95th percentile of the time, while others use the machine", took, "s")


def _ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(RegisteredModel.id).order_by(RegisteredModel.id)).scalars())


def _report_twenty_times(engine: Engine, ids: list[str]) -> None:
    """Copies of the one real report for every model."""
    with engine.connect() as connection:
        row = dict(connection.execute(select(Probe.__table__).limit(1)).mappings().one())
    _insert(engine, Probe, (row | {"id": new_id(), "model_pk": id} for id in ids for _ in range(REPORTS)))


def _live_a_year(engine: Engine, ids: list[str]) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    _insert(engine, ModelHealth, (_health(id, now) for id in ids))
    _insert(engine, Rollup, (row for id in ids for row in _rollups(id, now)))
    _insert(
        engine,
        Look,
        (_look(id, now, n) for id in ids for n in range(int(2 * DAY.total_seconds()) // EVERY_S)),
    )
    _insert(engine, Span, (_span(id, now, n) for id in ids for n in range(91 * SPANS_A_DAY)))
    _insert(engine, WatchCost, (_cost(id, now, n) for id in ids for n in range(365)))
    _insert(engine, ModelSample, (_sample(id, now, n) for id in ids for n in range(SAMPLES)))


def _insert(engine: Engine, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, AT_ONCE)):
        with engine.begin() as connection:
            connection.execute(insert(table), batch)


def _health(id: str, now: datetime) -> dict[str, Any]:
    return {
        "model_pk": id, "endpoint_id": new_id(), "state": "up", "since": now,
        "memory": {"latencies": [300] * 20}, "due": now, "covered": now,
        "span_begin": now - DAY, "last_check": now, "evidence": "proof",
    }  # fmt: skip


def _rollups(id: str, now: datetime) -> Iterator[dict[str, Any]]:
    for step, length, count in (("hour", HOUR, 90 * 24), ("day", DAY, 365)):
        for number in range(1, count + 1):
            yield {
                "model_pk": id, "step": step, "at": now - number * length, "checks": 12,
                "failures": number % 3, "down_s": 12.5, "known_s": length.total_seconds(),
                "p50_ms": 310, "p95_ms": 640, "p99_ms": 900, "tokens": 168,
            }  # fmt: skip


def _look(id: str, now: datetime, number: int) -> dict[str, Any]:
    at = now - timedelta(seconds=EVERY_S * number)
    return {"id": new_id(), "model_pk": id, "at": at, "kind": "proof", "result": "good", "latency_ms": 312,
            "first_token_ms": 120, "calls": 2, "tokens": 14}  # fmt: skip


def _span(id: str, now: datetime, number: int) -> dict[str, Any]:
    begin = now - DAY / SPANS_A_DAY * (number + 1)
    state = "down" if number % 2 else "up"
    return {"id": new_id(), "model_pk": id, "state": state, "begin": begin, "end": begin + DAY / SPANS_A_DAY}


def _cost(id: str, now: datetime, number: int) -> dict[str, Any]:
    day = (now - number * DAY).date()
    return {"model_pk": id, "day": day, "looks": 288, "calls": 576, "tokens": 4032, "money": 0.002}


def _sample(id: str, now: datetime, number: int) -> dict[str, Any]:
    payload, _ = packed({f"t{place}": -1.2345 for place in range(20)}, ())
    at = now - timedelta(seconds=EVERY_S * number)
    return {
        "id": new_id(),
        "model_pk": id,
        "kind": "logprobs",
        "at": at,
        "payload": payload,
        "is_baseline": True,
    }


def _size(engine: Engine) -> int:
    """Bytes of the database, tidied up."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return Path(str(engine.url.database)).stat().st_size
        connection.exec_driver_sql("ANALYZE")
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _times(muster: Running, id: str) -> dict[str, tuple[float, float]]:
    """Of some pages and calls the 95th percentile of the time, and what one takes of a core, in seconds."""
    since = (datetime.now(UTC) - 89 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = f"/v2/models/{id}/health/history"
    found: dict[str, tuple[float, float]] = {}
    with muster.session() as client, muster.browser(f"{new_id()}@example.com") as browser:
        for name, path, who in (
            ("the first page", "/now", browser),
            ("the list", "/models", browser),
            ("a model's page", f"/models/{id}", browser),
            ("its history", f"/models/{id}/history", browser),
            ("its health as JSON", f"/v2/models/{id}/health", client),
            ("90 days by the hour as JSON", f"{history}?from={since}&step=hour", client),
            ("/metrics", "/metrics", client),
        ):
            before = cpu_of(muster.workers())
            took = [seconds(partial(_ask, who, muster.url + path)) for _ in range(ROUNDS)]
            found[name] = p95(took), (cpu_of(muster.workers()) - before) / ROUNDS
    return found


def _ask(who: requests.Session, url: str) -> None:
    answer = who.get(url, timeout=60)
    assert answer.ok, answer.text[:300]
