"""A crowd of registrations, endless answers, a server killed in the middle, and keys that must not get out.

`make bench` takes the full measure of the crowd, with its bound of time: here other tests run beside it.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from tests.load.crowd import WAYS, await_calls, crowd
from tests.load.editing import Editing
from tests.load.registering import body_for, health_timed, memory_watched, register_all
from tests.load.running import Running, running

pytestmark = pytest.mark.both_databases

MEBIBYTE = 1 << 20
AT_ONCE = 20
IN_THE_MIDDLE = 5
"""Calls of a probe after which its proof is through and the capabilities are being asked for."""
GROWTH = 50 * MEBIBYTE


def test_no_registration_of_a_crowd_is_lost(tmp_path: Path, database_url: str) -> None:
    with running(tmp_path, database_url, practice=False) as muster, crowd("slow", 40, 0.5) as urls:
        answers = register_all(muster, urls)
        assert [answer.status_code for answer in answers] == [200] * 40, answers[0].text
        assert _kept(muster) == {answer.json()["id"] for answer in answers}


def test_no_write_of_many_is_lost(tmp_path: Path, database_url: str) -> None:
    """`make bench` does it for a minute."""
    with running(tmp_path, database_url) as muster:
        seen = Editing(muster, for_s=4).run()
    assert seen.wrong == []
    assert seen.writes > 40 and set(seen.statuses) <= {200, 204, 412}, seen.statuses


def _kept(muster: Running) -> set[str]:
    with muster.session() as client:
        return {model["id"] for model in client.get(f"{muster.url}/v2/models", timeout=30).json()}


def test_endless_answers_fill_no_memory(tmp_path: Path) -> None:
    """20 endpoints at once that never stop sending, each in one of the ways that there are."""
    assert len(WAYS) < AT_ONCE
    plainly = running(tmp_path, practice=False, start=subprocess.Popen)
    with plainly as muster, crowd("endless", AT_ONCE) as urls:
        with crowd("slow", 10) as good:
            # What a server that works holds anyway: threads, connections, what is imported when it is needed.
            assert {answer.status_code for answer in register_all(muster, good)} == {200}
        with memory_watched(muster) as held, health_timed(muster) as took:
            answers = register_all(muster, urls)
        # The median, since a test beside this one may hold the machine for a moment.
        assert len(took) > 3 and median(took) < 1, took
        for answer in answers:
            # Words without an end are words: whether such a model works is not the question here.
            assert answer.status_code in (200, 400), answer.text
        assert sum(answer.status_code == 400 for answer in answers) >= AT_ONCE * 2 // 3
        assert len(held) > 3
        assert max(held) - held[0] < GROWTH, f"grew by {(max(held) - held[0]) / MEBIBYTE:.0f} MiB"


@pytest.fixture
def key() -> str:
    """A key that is found again wherever it is."""
    return "sk-" + secrets.token_hex(16)


class Attempt:
    """A registration that is under way at an endpoint which takes its time."""

    def __init__(self, muster: Running, base_url: str) -> None:
        self.failure: requests.RequestException | None = None
        self._muster, self._base_url = muster, base_url
        self._thread = threading.Thread(target=self._post, daemon=True)
        self._thread.start()

    def _post(self) -> None:
        try:
            with self._muster.session() as client:
                body = body_for(self._base_url, 1)
                client.post(f"{self._muster.url}/v2/models/openai-like", json=body, timeout=60)
        except requests.RequestException as error:
            self.failure = error

    def ended(self) -> requests.RequestException | None:
        """What the client met."""
        self._thread.join(30)
        return self.failure


def open_transactions(database_url: str) -> int:
    """How many transactions stand open in the database; -1 where SQLite could not be written at once."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(database_url).database or "", timeout=0.2)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return -1
        return 0
    name = make_url(database_url).database
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = %s AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        row = connection.execute(query, [name]).fetchone()
    return int(row[0]) if row else 0


def test_a_server_killed_in_a_registration_leaves_nothing(tmp_path: Path, database_url: str) -> None:
    with running(tmp_path, database_url, practice=False) as muster, crowd("slow", 1, 2) as (url,):
        attempt = Attempt(muster, url)
        await_calls(url, IN_THE_MIDDLE)
        assert open_transactions(database_url) == 0
        muster.kill()
        assert attempt.ended() is not None
        time.sleep(0.2)
        assert open_transactions(database_url) == 0
    with running(tmp_path, database_url, practice=False) as again, crowd("slow", 1, 0) as (url,):
        assert _kept(again) == set()
        (answer,) = register_all(again, [url])
        assert answer.status_code == 200, answer.text


def test_a_worker_killed_in_a_registration_leaves_nothing(tmp_path: Path, database_url: str) -> None:
    """The others go on, and a new one takes its place."""
    with running(tmp_path, database_url, practice=False, workers=1) as muster, crowd("slow", 1, 2) as (url,):
        attempt = Attempt(muster, url)
        await_calls(url, IN_THE_MIDDLE)
        (worker,) = muster.workers()
        worker.kill()
        assert attempt.ended() is not None
        deadline = time.monotonic() + 20
        while muster.workers() in ([], [worker]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _kept(muster) == set() and open_transactions(database_url) == 0


@pytest.mark.parametrize("accepted", ["application/x-ndjson", "text/html"])
def test_a_browser_that_leaves_has_registered_nothing(tmp_path: Path, accepted: str) -> None:
    """Under the web server itself, with scripts and without; one that stays has."""
    with running(tmp_path, practice=False) as muster, crowd("slow", 1, 1) as (url,):
        typed: dict[str, Any] = body_for(url, 1) | {"configuration_model_id": "practice-chat"}
        del typed["configuration"]
        with muster.browser() as page, pytest.raises((requests.ConnectionError, requests.Timeout)):
            _send_form(muster, page, typed, accepted, timeout_s=0.7)
        time.sleep(5)
        assert _kept(muster) == set()
        with muster.browser("patient@example.com") as page:
            assert _send_form(muster, page, typed, accepted, timeout_s=60).ok
        assert len(_kept(muster)) == 1


def _send_form(
    muster: Running, page: requests.Session, typed: dict[str, Any], accepted: str, timeout_s: float
) -> requests.Response:
    url = f"{muster.url}/models/new"
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get(url, timeout=30).text)
    assert token is not None
    sent = typed | {"csrf_token": token[1]}
    return page.post(url, sent, headers={"Accept": accepted}, timeout=timeout_s)
