"""The watcher as processes of their own: `muster worker` on a real queue."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from huey import SqliteHuey
from huey.registry import Message
from sqlalchemy import func, select, update

from app.practice.models import KEY
from app.store.base import db, now
from app.store.watch.counts import WatchCount
from app.store.watch.health import Look, ModelHealth, WatchWorker
from app.watch.engine import Watcher
from app.watch.places import host_of
from app.watch.queue import JsonTasks, NotATask, make_queue
from tests import quick_start
from tests.watch.world import BROKEN, Host, World

WITHIN_S = 180.0


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of six models."""
    made = Host(models=6)
    yield made
    made.cut()


@pytest.fixture
def worker(app: Flask, database_url: str, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts workers on the test's database that look every five seconds."""
    started: list[subprocess.Popen[str]] = []
    given = {
        "MUSTER_INSTANCE": str(tmp_path),
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_WATCH_SECONDS": "5",
        "MUSTER_WATCH_FULL_HOURS": "0",
        "MUSTER_PROBE_SECONDS": "5",
    }

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "app.cli", "worker", "--threads", "4"]
        environ = os.environ | given
        started.append(quick_start.Python(command, env=environ, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.stderr is not None and not process.stderr.closed:
            ended(process)


def ended(process: subprocess.Popen[str]) -> str:
    """End a worker; what it has logged."""
    process.terminate()
    _, log = process.communicate(timeout=30)
    assert "Traceback" not in log, log
    return log


def await_that(app: Flask, holds: Callable[[], Any], within_s: float = WITHIN_S) -> None:
    """Wait until something holds in the database."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with app.app_context():
            if holds():
                return
        time.sleep(0.1)
    raise AssertionError("it did not come to hold")


def looked_at() -> int:
    """How many models have been looked at."""
    return db.session.scalar(select(func.count(func.distinct(Look.model_pk)))) or 0


def down() -> int:
    """How many models are down."""
    return db.session.scalar(select(func.count()).where(ModelHealth.state == "down")) or 0


def test_a_worker_looks_and_says_that_it_is_there(
    app: Flask, host: Host, worker: Callable[[], subprocess.Popen[str]]
) -> None:
    World(app, host)
    process = worker()
    await_that(app, lambda: looked_at() == 6)
    await_that(app, lambda: db.session.scalar(select(WatchWorker.looks)))
    counted = select(func.sum(WatchCount.value)).where(WatchCount.name == "looks")
    await_that(app, lambda: (db.session.scalar(counted) or 0) >= 6)
    host.answer(BROKEN, "m-1")
    await_that(app, lambda: down() == 1)
    lines = [json.loads(line) for line in ended(process).splitlines()]
    looks = [line for line in lines if line["logger"] == "muster.watch.look"]
    told = {(one["host"], one["model"], one["result"], one["code"]) for one in looks}
    here = host_of(host.base_url)
    assert told == {(here, f"m-{number}", "good", None) for number in range(6)} | {
        (here, "m-1", "failed", "model_not_found")
    }
    assert all(one["latency_ms"] > 0 for one in looks if one["result"] == "good") and KEY not in str(lines)


@pytest.mark.both_databases
def test_no_look_is_lost_with_a_worker_that_is_killed(
    app: Flask, host: Host, worker: Callable[[], subprocess.Popen[str]]
) -> None:
    World(app, host)
    first, _second = worker(), worker()
    await_that(app, lambda: looked_at() == 6)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with app.app_context():
        before = db.session.scalar(select(func.max(Look.at)))
    late = select(func.count(func.distinct(Look.model_pk))).where(Look.at > before)
    await_that(app, lambda: db.session.scalar(late) == 6)
    with app.app_context():
        looks = db.session.execute(select(Look.model_pk, Look.at).order_by(Look.model_pk, Look.at)).all()
    gaps = [later - at for (one, at), (other, later) in pairwise(looks) if one == other]
    assert min(gaps) > timedelta(seconds=1)  # nobody was looked at twice at once


@pytest.mark.both_databases
def test_of_workers_that_start_together_one_makes_the_queue(app: Flask) -> None:
    chosen = app.config["MUSTER"]
    with ThreadPoolExecutor(8) as pool:
        queues = list(pool.map(lambda _: make_queue(chosen), range(8)))
    try:
        queues[0].storage.enqueue(b"{}")
        assert [queue.pending_count() for queue in queues] == [1] * 8
    finally:
        for queue in queues:
            queue.storage.close()


def test_tasks_go_through_the_queue_as_they_were() -> None:
    task = Message("id", "look", None, 0, 0, None, ("a model", 7), {})
    assert JsonTasks().deserialize(JsonTasks().serialize(task)) == task


@pytest.mark.parametrize(
    "row",
    [pickle.dumps(os.getpid), b"[]", b'{"name": "look"}', b"no json", b'{"id": 1, "args": [{"a": 1}]}'],
)
def test_a_row_that_is_no_task_is_refused(row: bytes) -> None:
    with pytest.raises(NotATask):
        JsonTasks().deserialize(row)


def test_a_task_of_another_name_is_not_run(app: Flask) -> None:
    queue = make_queue(app.config["MUSTER"])
    queue.storage.enqueue(JsonTasks().serialize(Message("id", "os.system", None, 0, 0, None, ("true",), {})))
    try:
        with pytest.raises(Exception, match="not found"):
            queue.dequeue()
    finally:
        queue.storage.close()


def test_what_was_in_a_queue_that_was_emptied_is_claimed_again(app: Flask, host: Host) -> None:
    World(app, host)
    watcher = Watcher(app)
    try:
        watcher.round()
        with app.app_context():
            db.session.execute(update(ModelHealth).values(due=now()))
            db.session.commit()
        watcher.round()
        queued = watcher.queue.pending_count() + watcher.queue.scheduled_count()
        watcher.round()
        assert watcher.queue.pending_count() + watcher.queue.scheduled_count() == queued == 6
        watcher.queue.flush()  # as a crash of PostgreSQL does
        watcher.round()
        assert watcher.queue.pending_count() + watcher.queue.scheduled_count() == 6
    finally:
        watcher.queue.storage.close()


def test_the_queue_does_not_wait_for_the_disk(app: Flask) -> None:
    queue = make_queue(app.config["MUSTER"])
    try:
        if isinstance(queue, SqliteHuey):
            assert queue.storage.sql("PRAGMA synchronous", results=True) == [(0,)]
        else:
            kept = "SELECT relname FROM pg_class WHERE relname LIKE 'huey_%%' AND relpersistence = 'u'"
            assert {name for (name,) in queue.storage.sql(kept, results=True)} >= {
                "huey_task",
                "huey_schedule",
            }
    finally:
        queue.storage.close()
