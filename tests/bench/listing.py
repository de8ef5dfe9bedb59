"""The list of models as people meet it: how soon it is painted with 300, and how soon 10,000 are sorted by
what the watch knows, or searched.

A browser shares the machine with Muster: the first paint is told beside the share of it that was in use.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psutil
import requests
from playwright.sync_api import Page
from sqlalchemy import Engine, create_engine, insert, select

from app.store.base import Base, new_id
from app.store.models import RegisteredModel
from app.store.watch.health import Look, ModelHealth, Rollup
from tests.bench.databases import KINDS, databases
from tests.bench.measuring import Finding, Remark, seconds
from tests.bench.serving import running
from tests.bench.stock import fill
from tests.browser import chromium
from tests.load.running import PASSWORD, Running

FEW, MANY = 300, 10_000
ROUNDS = 10
PAINTED_MS, ANSWERED_MS = 200, 300
ADA = "ada@example.com"
PAGES = {
    "sorted by p95": "/models?sort=p95",
    "sorted by last look": "/models?sort=looked",
    "a search of the header that finds much": "/search?q=example.com",
    "a search of the header that finds nothing": "/search?q=nothing-like-this",
}


def measure() -> Iterator[Finding | Remark]:
    """The first paint, then for each database what takes long with many models."""
    with databases() as made:
        with running(made.folder / "painted", made.new("sqlite"), watch_seconds=0) as muster:
            _stock(muster, FEW)
            yield from _painted(muster)
        for kind in KINDS:
            with running(made.folder / f"many-{kind}", made.new(kind), watch_seconds=0) as muster:
                _stock(muster, MANY)
                yield from _answered(muster, kind)


def _painted(muster: Running) -> Iterator[Finding | Remark]:
    path = chromium.executable()
    if path is None:
        yield Remark("There is no Chromium on this machine.")
        return
    muster.new_user(ADA, "admin", PASSWORD)
    with chromium.started(path) as browser:
        page = chromium.window(browser).new_page()
        chromium.sign_in(page, muster.url, ADA, PASSWORD)
        psutil.cpu_percent()
        took = [_first_paint(page, f"{muster.url}/models") for _ in range(ROUNDS)]
        busy = psutil.cpu_percent()
    name = f"first paint of the list with {FEW}, warm"
    yield Finding(name, statistics.median(took), "ms", at_most=PAINTED_MS)
    spread = f"{min(took):.0f} to {max(took):.0f} ms"
    yield Remark(f"  of {ROUNDS} loads, {spread}; {busy:.0f} % of the machine was in use")


def _first_paint(page: Page, url: str) -> float:
    """Milliseconds from the click until something of the page is seen, as the browser tells it."""
    page.goto(url)
    return float(
        page.evaluate(
            """async () => {
              const seen = () => performance.getEntriesByName("first-contentful-paint")[0];
              while (!seen()) await new Promise((go) => setTimeout(go, 10));
              return seen().startTime;
            }"""
        )
    )


def _answered(muster: Running, kind: str) -> Iterator[Finding]:
    with muster.browser() as client:
        for name, path in PAGES.items():
            ask = partial(_ask, client, muster.url + path)
            ask()
            took = 1000 * statistics.median(seconds(ask) for _ in range(ROUNDS))
            yield Finding(f"{name}, {MANY:,} models, {kind}", took, "ms", at_most=ANSWERED_MS)


def _ask(client: requests.Session, url: str) -> None:
    answer = client.get(url, timeout=60)
    assert answer.ok, answer.text[:300]


def _stock(muster: Running, models: int) -> None:
    """So many models, each with a day of the watch."""
    fill(muster, models)
    engine = create_engine(muster.database_url)
    now = datetime.now(UTC)
    with engine.connect() as connection:
        ids = list(enumerate(connection.execute(select(RegisteredModel.id)).scalars()))
    _insert(engine, ModelHealth, [_health(id, place, now) for place, id in ids])
    for hour in range(1, 24):
        _insert(engine, Rollup, [_hour(id, place, now, hour) for place, id in ids])
    for minutes in range(0, 60, 5):
        _insert(engine, Look, [_look(id, place, now, minutes) for place, id in ids])
    engine.dispose()


def _insert(engine: Engine, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), list(rows))


def _health(id: str, place: int, now: datetime) -> dict[str, Any]:
    looked = now - timedelta(seconds=place % 300)
    return {
        "model_pk": id, "endpoint_id": new_id(), "state": "up", "since": now, "memory": {}, "covered": now,
        "due": now + timedelta(days=1), "last_check": looked, "day_p95_ms": 200 + place % 997,
    }  # fmt: skip


def _hour(id: str, place: int, now: datetime, hour: int) -> dict[str, Any]:
    at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hour)
    return {"model_pk": id, "step": "hour", "at": at, "checks": 12, "p95_ms": 150 + (place + hour) % 997}


def _look(id: str, place: int, now: datetime, minutes: int) -> dict[str, Any]:
    at = now - timedelta(minutes=minutes, seconds=place % 300)
    return {
        "id": new_id(), "model_pk": id, "at": at, "kind": "proof", "result": "good",
        "latency_ms": 150 + place % 997,
    }  # fmt: skip
