"""A registry that is watched: a tenth of 10,000 models at a tenth of 300 s is the same 33 looks a second."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import requests
from sqlalchemy import Engine, create_engine, insert, select

from app.practice.models import KEY
from app.store.base import new_id
from app.store.models import RegisteredModel
from app.store.watch.health import Look
from tests.bench.databases import KINDS, databases
from tests.bench.endpoint import slow_endpoint
from tests.bench.measuring import Finding, cpu_of, p95
from tests.bench.serving import running
from tests.load.running import MUSTER, Running

MODELS = 1000
EVERY_S = 30
HOSTS = 4
THREADS = 48
LATENCY_S = 0.05
SETTLES_S = 100
FOR_S = 60


def measure() -> Iterator[Finding]:
    """For each database, with the one watcher of `muster serve`; on PostgreSQL with a second one too."""
    with databases() as made, ExitStack() as held:
        urls = [held.enter_context(slow_endpoint(LATENCY_S)) for _ in range(HOSTS)]
        for kind, more in [(kind, 0) for kind in KINDS] + [("postgresql", 1)]:
            folder = made.folder / f"watched-{kind}-{more}"
            name = f"{kind}, {more + 1} worker{'s' if more else ''}"
            yield from _watched(folder, made.new(kind), urls, name, more)


def _watched(folder: Path, url: str, urls: list[str], kind: str, more: int) -> Iterator[Finding]:
    how = {"watch_seconds": EVERY_S, "watch_threads": THREADS, "watch_full_hours": 0}
    with running(folder, url, practice=False, **how) as muster, ExitStack() as held:
        engine = create_engine(muster.database_url)
        _fill(muster, engine, urls)
        workers = [_worker(muster), *(held.enter_context(_another(muster)) for _ in range(more))]
        time.sleep(SETTLES_S)
        begun, spent = datetime.now(UTC), cpu_of(workers)
        late, pages = _look_on(muster)
        spent = cpu_of(workers) - spent
        looks = _looks(engine, begun)
        engine.dispose()
    count = sum(map(len, looks.values()))
    twice = sum(_too_soon(times) for times in looks.values())
    yield Finding(
        f"looks a second at {MODELS} models each {EVERY_S} s, {kind}", count / FOR_S, "", at_least=30
    )
    yield Finding("  the 99th percentile of lateness", statistics.quantiles(late, n=100)[98], "s", at_most=15)
    yield Finding("  looked at twice in an interval", 100 * twice / max(count, 1), "%", at_most=0.1)
    yield Finding("  pages meanwhile, 95th percentile", p95(pages), "s", at_most=0.3)
    yield Finding("  of a core for a look", 1000 * spent / max(count, 1), "ms")


def _fill(muster: Running, engine: Engine, urls: list[str]) -> None:
    """Register one model at each host, and copy its row."""
    table = RegisteredModel.__table__
    for place, url in enumerate(urls):
        body = {
            "api_key": KEY, "base_url": url, "display_name": f"Host {place}", "model_id": "practice-chat",
            "model_type": "chat", "region": "here",
        }  # fmt: skip
        with muster.session() as client:
            asked = f"{muster.url}/v2/models/openai-like?depth=proof"
            answer = client.post(asked, json=body, timeout=60)
        assert answer.ok, answer.text
        with engine.begin() as connection:
            found = connection.execute(select(table).where(table.c.id == answer.json()["id"]))
            row = dict(found.mappings().one())
            connection.execute(insert(RegisteredModel), [_copy(row, n) for n in range(MODELS // HOSTS - 1)])


def _copy(row: dict[str, Any], number: int) -> dict[str, Any]:
    id = new_id()
    named = {"display_name": f"{row['display_name']} {number}", "identity": id, "last_probe_id": None}
    return row | named | {"id": id, "model_id": f"copy-{number}", "remote_model_id": "practice-chat"}


@contextmanager
def _another(muster: Running) -> Iterator[psutil.Process]:
    """One more worker on the same database."""
    command = [*MUSTER, "worker", "--threads", str(THREADS)]
    with subprocess.Popen(command, env=muster.environ, stderr=subprocess.DEVNULL) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()


def _worker(muster: Running) -> psutil.Process:
    children = psutil.Process(muster.process.pid).children(recursive=True)
    return next(child for child in children if "worker" in child.cmdline())


def _look_on(muster: Running) -> tuple[list[float], list[float]]:
    """Lateness each second, and how long a page took."""
    late, pages = [], []
    with muster.session() as client, muster.browser() as browser:
        until = time.monotonic() + FOR_S
        while time.monotonic() < until:
            begun = time.monotonic()
            assert browser.get(f"{muster.url}/models", timeout=30).status_code == requests.codes.ok
            pages.append(time.monotonic() - begun)
            ready = client.get(f"{muster.url}/readyz", timeout=30).json()
            if "watch" in ready:  # else it was busy for longer than it waits
                late.append(float(ready["watch"]["late_seconds"]))
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))
    return late, pages


def _looks(engine: Engine, begun: datetime) -> dict[str, list[datetime]]:
    """When each model was looked at while the measurement ran."""
    table, found = Look.__table__, defaultdict(list)
    window = table.c.at.between(begun, begun + timedelta(seconds=FOR_S))
    with engine.connect() as connection:
        for model_pk, at in connection.execute(select(table.c.model_pk, table.c.at).where(window)):
            found[model_pk].append(at)
    return found


def _too_soon(times: list[datetime]) -> int:
    ordered = sorted(times)
    half = timedelta(seconds=EVERY_S / 2)
    return sum(after - before < half for before, after in zip(ordered, ordered[1:], strict=False))
