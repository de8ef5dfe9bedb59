"""A server that is killed in the middle of a call, and its successor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import update

from app.config import ROOT
from app.factory import create_app
from app.store import database, living
from app.store.base import db, now
from app.store.leases import IdempotentAnswer
from tests import quick_start
from tests.cli.test_serve import Serving, serve
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint, endpoint, good

__all__ = ["endpoint", "good", "serve"]

MARKED = """
import sys
from pathlib import Path
from app.factory import create_app
from app.store import living
with create_app({"instance": Path(sys.argv[1])}).app_context():
    print(living.mark(lambda mark: False), flush=True)
    sys.stdin.read()
"""


@pytest.mark.both_databases
def test_the_retry_gets_in_at_once_after_a_restart_in_the_middle(
    serve: Callable[..., Serving],
    tmp_path: Path,
    empty_database_url: str,
    endpoint: Endpoint,
    good: dict[str, Any],
) -> None:
    """The lease of the call that was cut off is made an hour here: whether it is awaited takes no clock."""
    first = serve(MUSTER_WATCH_SECONDS="0")
    first.await_ready()
    app = create_app({"instance": tmp_path / "instance", "database_url": empty_database_url})
    token = new_token(app, "write")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "1f0c"}
    endpoint.before = threading.Event()

    def post(to: Serving) -> requests.Response:
        url = f"{to.url}/v2/models/openai-like?depth=proof"
        return requests.post(url, json=good, headers=headers, timeout=30)

    def cut_off() -> None:
        with pytest.raises(requests.RequestException):
            post(first)

    caller = threading.Thread(target=cut_off)
    caller.start()
    assert endpoint.called.wait(30)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.communicate()
    caller.join()
    endpoint.before.set()
    with app.app_context():
        held = db.session.execute(update(IdempotentAnswer).values(leased=now() + timedelta(hours=1)))
        assert getattr(held, "rowcount", 0) == 1
        db.session.commit()
        database.let_go()
    second = serve(MUSTER_WATCH_SECONDS="0")
    second.await_ready()
    assert post(second).status_code == 200


def test_of_a_process_is_told_here_whether_it_lives(app: Flask, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MARKED, str(tmp_path)]
    with quick_start.Python(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        theirs = process.stdout.readline().strip()
        with app.app_context():
            alive = living.has_ended(theirs)
            process.kill()
            process.wait()
            assert (alive, living.has_ended(theirs)) == (False, True)


def test_of_another_machine_nothing_is_told(app: Flask) -> None:
    """There a call may still be at work: its lease has to end."""
    with app.app_context():
        mine = living.mark(lambda mark: False)
        assert not living.has_ended(mine) and living.mark(lambda mark: False) == mine
        assert not living.has_ended("0198c0de-0000-7000-8000-000000000000")


@pytest.mark.parametrize("is_needed", [True, False])
def test_files_of_the_ended_go_once_nobody_needs_them(app: Flask, tmp_path: Path, is_needed: bool) -> None:
    left = tmp_path / "processes" / "ended.lock"
    left.parent.mkdir()
    left.touch()
    with app.app_context():
        living.mark(lambda mark: is_needed)
    assert left.exists() is is_needed
