"""Muster as operators run it: `muster serve` in a process of its own, with its logs in a file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from app.access import people
from app.access.tokens import create_token
from app.factory import create_app
from app.store import database
from app.store.base import db
from tests import quick_start
from tests.migrated import put_sqlite
from tests.ports import free_port

READY_WITHIN_S = 60
PASSWORD = "correct horse battery"
MUSTER = (sys.executable, "-m", "app.cli")


class Running:
    """One `muster serve`. `url` is where it is, `token` may do everything, `log` holds all it wrote.

    Without rate limits and without the watcher, unless the settings say otherwise. Where its memory counts,
    `start` is `subprocess.Popen`: what is forked shares some.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        *,
        practice: bool = True,
        start: type[subprocess.Popen[bytes]] = quick_start.Python,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.port, self.practice_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.practice_url = f"http://127.0.0.1:{self.practice_port}/v1"
        self.log = folder / "muster.log"
        self.database_url = database_url or f"sqlite:///{folder / 'instance' / 'muster.sqlite'}"
        self.environ = _without_settings() | {
            "MUSTER_INSTANCE": str(folder / "instance"),
            "MUSTER_DATABASE_URL": database_url,
            "MUSTER_PORT": str(self.port),
            "MUSTER_PRACTICE_PORT": str(self.practice_port),
            "MUSTER_RATE_LIMIT": "0",
            "MUSTER_WATCH_SECONDS": "0",
            "PYTHONUNBUFFERED": "1",
        }
        self.environ |= {f"MUSTER_{name.upper()}": str(value) for name, value in settings.items()}
        if not database_url and not (folder / "instance").exists():
            put_sqlite(folder / "instance" / "muster.sqlite")
        command = [*MUSTER, "serve", *(["--practice"] if practice else [])]
        with self.log.open("ab") as log:
            self.process = start(command, env=self.environ, stdout=log, stderr=log, start_new_session=True)
        try:
            self._await_ready()
            self.token = self.new_token("admin")
        except BaseException:
            self.kill()
            raise

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(requests.ConnectionError, requests.Timeout):
                if requests.get(f"{self.url}/readyz", timeout=5).ok:
                    return
            time.sleep(0.05)
        raise AssertionError(f"Muster did not start:\n{self.logged()}")

    def command(self, *words: str) -> str:
        """What `muster <words>` prints, with the settings of the running server."""
        done = quick_start.run(
            [*MUSTER, *words], env=self.environ, capture_output=True, text=True, timeout=60, check=True
        )
        return str(done.stdout)

    @contextmanager
    def _database(self) -> Iterator[None]:
        """The server's database, opened in this process: quicker than a command."""
        chosen = {"instance": self.folder / "instance", "database_url": self.environ["MUSTER_DATABASE_URL"]}
        with create_app(chosen).app_context():
            yield
            db.session.commit()
            database.let_go()

    def new_token(self, *scopes: str) -> str:
        """The text of a new token."""
        with self._database():
            return create_token("from outside", scopes, "test")[1]

    def new_user(self, email: str, role: str, password: str) -> None:
        """Make somebody who can sign in."""
        with self._database():
            people.create_user(email, role, password)

    def session(self) -> requests.Session:
        """A client that sends the token."""
        client = requests.Session()
        client.headers["Authorization"] = f"Bearer {self.token}"
        return client

    def browser(self, email: str = "editor@example.com", role: str = "editor") -> requests.Session:
        """A client that somebody with this role is signed in with; at most once for each email."""
        self.new_user(email, role, PASSWORD)
        client = requests.Session()
        form = client.get(f"{self.url}/signin", timeout=30).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        assert token is not None, form
        typed = {"csrf_token": token.group(1), "email": email, "password": PASSWORD}
        answer = client.post(f"{self.url}/signin", data=typed, allow_redirects=False, timeout=30)
        assert answer.status_code == requests.codes.see_other, answer.text
        return client

    def logged(self) -> str:
        """Everything that it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def workers(self) -> list[psutil.Process]:
        """The web workers: the children of the process that were forked, not the practice endpoint."""
        return [child for child in psutil.Process(self.process.pid).children() if _is_web_worker(child)]

    def memory(self) -> int:
        """Bytes that the program and its web workers hold for themselves alone."""
        return sum(one.memory_full_info().uss for one in [psutil.Process(self.process.pid), *self.workers()])

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End every process of it at once, in the middle of whatever it does."""
        family: list[psutil.Process | subprocess.Popen[bytes]] = [self.process]
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(self.process.pid).children(recursive=True)
        for one in reversed(family):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                one.kill()
        self.process.wait(20)


def _is_web_worker(process: psutil.Process) -> bool:
    """Whether this child serves pages; one that has just ended does not."""
    try:
        command = " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie too
        return False
    return not any(other in command for other in ("app.practice", "app.cli worker"))


def _without_settings() -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}


@contextmanager
def running(folder: Path, database_url: str = "", **settings: Any) -> Iterator[Running]:
    """A Muster that ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    started = Running(folder, database_url, **settings)
    try:
        yield started
    finally:
        started.stop()
