"""PostgreSQL as teams run it: behind a pooler in transaction mode, and restarted while Muster works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from app.practice.models import KEY
from tests.load.running import Running, running
from tests.store.cluster import PGBOUNCER, Cluster, Pooler, cluster

pytestmark = pytest.mark.skipif(
    not Path(PGBOUNCER).exists(), reason="there is no pgbouncer; install pgbouncer"
)
WITHIN_S = 150
"""Seconds: a round of the watcher begins each minute, and what it finds due is looked at after it."""
JSON = Any


@pytest.fixture(scope="module")
def behind() -> Iterator[Cluster]:
    """The PostgreSQL."""
    with cluster() as started:
        yield started


@pytest.fixture(scope="module")
def pooler(behind: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    """The pooler in front of it."""
    started = Pooler(behind, tmp_path_factory.mktemp("pooler"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def muster(pooler: Pooler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Muster with its watcher, which reaches its database through the pooler alone."""
    folder = tmp_path_factory.mktemp("muster")
    with running(folder, pooler.url, workers=1, threads=32, watch_seconds=5, watch_threads=4) as started:
        yield started


def registered(muster: Running, model_id: str) -> JSON:
    """The document of a practice model that is registered now."""
    body = {
        "base_url": muster.practice_url, "api_key": KEY, "model_id": model_id, "model_type": "chat",
        "display_name": model_id, "region": "on-prem",
    }  # fmt: skip
    answer = muster.session().post(f"{muster.url}/v2/models/openai-like", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def await_(what: Callable[[], bool], why: str) -> None:
    """Wait until this holds."""
    until = time.monotonic() + WITHIN_S
    while not what():
        assert time.monotonic() < until, why
        time.sleep(0.1)


def last_check(muster: Running, id: str) -> str:
    """When the watcher last looked, "" where it did not yet."""
    with suppress(requests.ConnectionError):
        answer = muster.session().get(f"{muster.url}/v2/models/{id}/health", timeout=30)
        if answer.ok:
            return answer.json()["last_check"] or ""
    return ""


@pytest.fixture(scope="module")
def watched(muster: Running) -> str:
    """The id of a registered model."""
    id: str = registered(muster, "practice-chat")["id"]
    return id


def test_the_same_queries_work_on_any_connection_of_a_pooler(muster: Running, watched: str) -> None:
    """Statements that were prepared on one connection of the server are not there on the next."""
    path = f"{muster.url}/v2/models"

    def read(number: int) -> int:
        return muster.session().get(path, params={"q": f"practice {number % 3}"}, timeout=60).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(read, range(120))) == {200}
    assert "prepared statement" not in muster.logged()


def test_the_watcher_works_through_a_pooler(muster: Running, watched: str) -> None:
    await_(lambda: bool(last_check(muster, watched)), "the watcher has not looked")


def test_what_is_changed_goes_through_a_pooler(muster: Running) -> None:
    id = registered(muster, "practice-chat-no-tools")["id"]
    client = muster.session()
    changed = client.patch(f"{muster.url}/v2/models/{id}", json={"display_name": "New"}, timeout=60)
    assert changed.status_code == 200 and changed.json()["display_name"] == "New", changed.text
    assert client.delete(f"{muster.url}/v2/models/{id}", timeout=60).status_code == 200


@pytest.mark.parametrize("gone", ["the server", "the pooler"])
def test_a_restart_in_the_middle(
    muster: Running, watched: str, behind: Cluster, pooler: Pooler, gone: str
) -> None:
    """Meanwhile every answer has the one shape; afterwards all goes on by itself, the watcher too."""
    answers: list[requests.Response] = []
    over = threading.Event()

    def ask() -> None:
        client = muster.session()
        while not over.is_set():
            answers.append(client.get(f"{muster.url}/v2/models", timeout=60))

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for one in asking:
        one.start()
    (behind if gone == "the server" else pooler).restart()
    await_(lambda: requests.get(f"{muster.url}/readyz", timeout=30).ok, "it is not ready again")
    over.set()
    for one in asking:
        one.join(60)
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert {one.json()["error"]["code"] for one in answers if not one.ok} <= {"database_unavailable"}
    assert muster.session().get(f"{muster.url}/v2/models", timeout=60).status_code == 200
    before = last_check(muster, watched)
    await_(lambda: last_check(muster, watched) > before, "the watcher has not gone on")
    assert requests.get(f"{muster.url}/readyz", timeout=30).json()["watch"]["workers"] == 1
    assert "Traceback" not in muster.logged()


def test_while_the_database_is_gone_it_says_so(muster: Running, pooler: Pooler) -> None:
    browser = muster.browser()
    pooler.stop()
    try:
        answer = muster.session().get(f"{muster.url}/v2/models", timeout=60)
        page = browser.get(f"{muster.url}/models", timeout=60)
    finally:
        pooler.start()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0 and "Traceback" not in muster.logged()
    assert page.status_code == 503 and "The database can&#39;t be reached" in page.text, page.text
