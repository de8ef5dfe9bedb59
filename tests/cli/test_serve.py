"""`muster serve` as a process of its own: what it makes, how it ends, what it says when it can't start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import text

from app.cli.serving import server
from app.cli.serving.serve import prepare
from app.factory import create_app
from app.store import database
from app.store.base import db
from app.web.browser_sessions import sign_in
from tests import quick_start
from tests.ports import free_port
from tests.rows import an_endpoint

pytestmark = pytest.mark.both_databases

READY_WITHIN_S = 30


class Serving:
    """One `muster serve` in a session of its own, as a terminal would start it; without the watcher, unless
    it is told otherwise.
    """

    def __init__(self, folder: Path, database_url: str, *arguments: str, **environ: str) -> None:
        self.port = free_port()
        self.practice_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "MUSTER_INSTANCE": str(folder),
            "MUSTER_DATABASE_URL": database_url,
            "MUSTER_PORT": str(self.port),
            "MUSTER_PRACTICE_PORT": str(self.practice_port),
            "MUSTER_THREADS": "8",
            "MUSTER_WATCH_SECONDS": "0",
            "PYTHONUNBUFFERED": "1",
        }
        self.process = quick_start.Python(
            [sys.executable, "-m", "app.cli", "serve", *arguments],
            env=os.environ | given | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def await_ready(self) -> None:
        """Wait until it can work."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):  # not there yet, or on a busy machine
                time.sleep(0.05)
        raise AssertionError(f"not ready: {self.process.communicate(timeout=10)}")

    def ctrl_c(self) -> tuple[str, str]:
        """What a terminal does at Ctrl-C: the signal goes to the whole group. Its output and its log."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.communicate(timeout=20)

    def sentence(self) -> str:
        """The one sentence that a start ended with."""
        _, log = self.process.communicate(timeout=READY_WITHIN_S)
        assert self.process.returncode == 1, log
        (line,) = log.strip().splitlines()
        return str(line)


def _starter(folder: Path, database_url: str) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(*arguments: str, **environ: str) -> Serving:
        started.append(Serving(folder, database_url, *arguments, **environ))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.communicate()


@pytest.fixture
def serve(tmp_path: Path, empty_database_url: str) -> Iterator[Callable[..., Serving]]:
    """Starts `muster serve` on an empty database; ends what a test leaves."""
    yield from _starter(tmp_path / "instance", empty_database_url)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """The same where the database plays no part: on SQLite only."""
    yield from _starter(tmp_path / "instance", "")


@contextmanager
def started_once(folder: Path, database_url: str) -> Iterator[None]:
    """The database of a Muster that has been started once before, opened in this process."""
    before = os.umask(0o077)  # as the command sets it
    try:
        with create_app({"instance": folder, "database_url": database_url}).app_context() as opened:
            server.require_folder(opened.app.config["MUSTER"])
            prepare(opened.app)
            yield
            db.session.remove()
            database.let_go()
    finally:
        os.umask(before)


def is_open(port: int) -> bool:
    """Whether something listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_first_start_and_second_start(serve: Callable[..., Serving], tmp_path: Path) -> None:
    first = serve("--practice", MUSTER_WATCH_SECONDS="300")
    first.await_ready()
    models = requests.get(
        f"http://127.0.0.1:{first.practice_port}/v1/models",
        headers={"Authorization": "Bearer practice-key"},
        timeout=5,
    )
    assert models.json()["data"]
    printed, log = first.ctrl_c()
    assert first.process.returncode == 0 and "Traceback" not in log
    assert "with the password" in printed and first.url in printed and "practice-key" in printed
    assert not is_open(first.port) and not is_open(first.practice_port)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "instance").iterdir() if "key" in path.name}

    second = serve()
    second.await_ready()
    printed, log = second.ctrl_c()
    assert second.process.returncode == 0 and "Traceback" not in log
    assert "with the password" not in printed and "practice-key" not in printed
    assert {
        path.name: path.read_bytes() for path in (tmp_path / "instance").iterdir() if "key" in path.name
    } == kept


def test_a_scrape_tells_of_all_processes(start: Callable[..., Serving]) -> None:
    running = start("--practice", MUSTER_METRICS_PUBLIC="1", MUSTER_WATCH_SECONDS="300")
    running.await_ready()
    for _ in range(20):  # each over a connection of its own: it comes to either worker
        requests.get(f"{running.url}/healthz", timeout=10)
    deadline, told = time.monotonic() + READY_WITHIN_S, ""
    while 'muster_process_running{process="watcher"} 1.0' not in told and time.monotonic() < deadline:
        time.sleep(0.2)
        told = requests.get(f"{running.url}/metrics", timeout=10).text
    running.ctrl_c()
    there = [line.split("{")[1] for line in told.splitlines() if line.startswith("muster_process_running")]
    assert sorted(there) == [f'process="{kind}"}} {count}.0' for kind, count in
                             (("main", 1), ("practice", 1), ("watcher", 1), ("web", 2))]  # fmt: skip
    assert 'muster_http_requests_total{method="GET",route="/healthz",status="200"} 20.0' in told


def test_the_password_that_was_printed_opens_the_door(start: Callable[..., Serving], tmp_path: Path) -> None:
    running = start()
    running.await_ready()
    printed, log = running.ctrl_c()
    password = printed.split("with the password")[1].split()[0]
    assert len(password) >= 20 and password not in log
    app = create_app({"instance": tmp_path / "instance"})
    with app.test_request_context():
        user = sign_in("admin@localhost", password)
        assert user is not None and user.role == "admin"
        db.session.remove()
        database.let_go()


def test_a_termination_is_a_clean_end(start: Callable[..., Serving]) -> None:
    running = start()
    running.await_ready()
    running.process.terminate()
    _, log = running.process.communicate(timeout=20)
    assert running.process.returncode == 0 and "Traceback" not in log


def test_a_port_in_use(start: Callable[..., Serving], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = start("--port", str(port)).sentence()
    assert said.startswith(f"Error: Port {port} on 127.0.0.1 is in use.") and "set MUSTER_PORT" in said
    assert not list((tmp_path / "instance").iterdir())


def test_a_practice_port_in_use(start: Callable[..., Serving]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = start("--practice", MUSTER_PRACTICE_PORT=str(port)).sentence()
    assert f"Port {port}" in said and "MUSTER_PRACTICE_PORT" in said


def test_a_folder_that_can_not_be_written(start: Callable[..., Serving], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = start(MUSTER_INSTANCE=str(tmp_path / "file" / "folder")).sentence()
    assert "can't be written" in said and "MUSTER_INSTANCE" in said


def test_a_wrong_setting(start: Callable[..., Serving]) -> None:
    assert start(MUSTER_WORKERS="0").sentence() == (
        "Error: MUSTER_WORKERS must be a whole number from 1 to 64; '0' is not."
    )


def test_a_newer_database(serve: Callable[..., Serving], tmp_path: Path, empty_database_url: str) -> None:
    with started_once(tmp_path / "instance", empty_database_url):
        for table, column in (("alembic_version", "version_num"), ("schema_floor", "revision")):
            db.session.execute(text(f"UPDATE {table} SET {column} = 'from_the_future'"))
        db.session.commit()
    assert "made by a newer Muster" in serve().sentence()


def test_a_lost_key_ring_is_not_replaced_in_silence(
    serve: Callable[..., Serving], tmp_path: Path, empty_database_url: str
) -> None:
    with started_once(tmp_path / "instance", empty_database_url):
        db.session.add(an_endpoint(key_ciphertext=b"sealed"))
        db.session.commit()
    ring = tmp_path / "instance" / "keyring.json"
    ring.unlink()
    assert "Restore it from a backup" in serve().sentence()
    assert not ring.exists()


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended; where nobody asks how it ended, a zombie stays."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def watchers(parent: int) -> list[psutil.Process]:
    """The watcher processes that a `muster serve` has started."""
    children = psutil.Process(parent).children(recursive=True)
    return [child for child in children if lives(child) and "worker" in child.cmdline()]


def test_one_watcher_runs_beside_the_web_workers_and_ends_with_them(start: Callable[..., Serving]) -> None:
    serving = start(MUSTER_WATCH_SECONDS="60")
    serving.await_ready()
    deadline = time.monotonic() + READY_WITHIN_S
    watch = {"workers": 0}
    while not watch["workers"] and time.monotonic() < deadline:
        watch = requests.get(f"{serving.url}/readyz", timeout=5).json()["watch"]
        time.sleep(0.1)
    assert watch["workers"] == 1
    (watcher,) = watchers(serving.process.pid)
    serving.ctrl_c()
    assert not watcher.is_running()


def test_nothing_is_left_of_one_that_was_killed(start: Callable[..., Serving]) -> None:
    """By kill -9, say: its web workers, its watcher and its practice endpoint end too."""
    serving = start("--practice", MUSTER_WATCH_SECONDS="300")
    serving.await_ready()
    children = {
        child: child.cmdline() for child in psutil.Process(serving.process.pid).children(recursive=True)
    }
    assert {"worker", "app.practice"} <= {word for command in children.values() for word in command}
    serving.process.kill()
    deadline = time.monotonic() + READY_WITHIN_S
    while (left := [child for child in children if lives(child)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for child in left:
        child.kill()
    serving.process.communicate(timeout=READY_WITHIN_S)
    assert [children[child] for child in left] == []


def test_a_watcher_that_is_killed_is_started_again(start: Callable[..., Serving]) -> None:
    serving = start(MUSTER_WATCH_SECONDS="300")
    serving.await_ready()
    (first,) = watchers(serving.process.pid)
    first.kill()
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if any(one.pid != first.pid for one in watchers(serving.process.pid)):
            return
        time.sleep(0.1)
    raise AssertionError("no watcher was started again")


def test_no_watcher_where_the_watch_is_off(start: Callable[..., Serving]) -> None:
    serving = start(MUSTER_WATCH_SECONDS="0")
    serving.await_ready()
    assert watchers(serving.process.pid) == []


QUIT_TWICE = """
import threading, signal
from concurrent.futures import ThreadPoolExecutor
from gunicorn.config import Config
from app.cli.serving.web_worker import PatientWorker
worker = PatientWorker.__new__(PatientWorker)
worker.cfg, worker.tpool = Config(), ThreadPoolExecutor(1)
with worker.tpool._shutdown_lock:  # as the first signal holds it while the second comes
    worker.handle_quit(signal.SIGQUIT, None)
"""


def test_a_signal_within_the_first_ends_a_worker_too() -> None:
    assert quick_start.run([sys.executable, "-c", QUIT_TWICE], timeout=20).returncode == 0
