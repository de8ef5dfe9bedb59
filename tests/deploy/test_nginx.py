"""The sample configuration of nginx in front of a running Muster: streams stay streams, idle callers are sent
away, and what is behind goes on answering."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.deploy.proxy import NGINX, proxied
from tests.load.running import Running

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="there is no nginx; install nginx-light")
IDLE = 1000


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Muster behind one proxy."""
    running = Running(tmp_path_factory.mktemp("muster"), trusted_proxies=1, watch_seconds=0)
    yield running
    running.stop()


@pytest.fixture
def proxy(muster: Running, tmp_path: Path) -> Iterator[tuple[str, int, str]]:
    """The proxy in front of it."""
    with proxied([muster], tmp_path) as front:
        yield front


def _signed_in(muster: Running, url: str, authority: str) -> requests.Session:
    browser = requests.Session()
    browser.verify, browser.trust_env = authority, False
    muster.new_user("nginx@example.com", "editor", "correct horse battery")
    page = browser.get(f"{url}/signin", timeout=10).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    form = {"csrf_token": token[1], "email": "nginx@example.com", "password": "correct horse battery"}
    browser.post(f"{url}/signin", data=form, timeout=10, headers={"Referer": f"{url}/signin"})
    return browser


def test_a_probe_s_progress_comes_as_it_happens(muster: Running, proxy: tuple[str, int, str]) -> None:
    url, _, authority = proxy
    browser = _signed_in(muster, url, authority)
    page = browser.get(f"{url}/models/new?preset=practice", timeout=10).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    form = {
        "csrf_token": token[1], "base_url": muster.practice_url, "api_key": "practice-key", "region": "local",
        "model_id": "practice-chat-slow", "model_type": "chat", "display_name": "Behind nginx",
        "depth": "proof",
    }  # fmt: skip
    headers = {"Accept": "application/x-ndjson", "Referer": f"{url}/models/new"}
    times: list[float] = []
    with browser.post(f"{url}/models/new", data=form, headers=headers, stream=True, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("application/x-ndjson"), answer.text[:300]
        for line in answer.iter_lines():
            json.loads(line)
            times.append(time.monotonic())
    assert len(times) > 2 and times[-1] - times[0] > 1, "all lines came at once"


def test_idle_sockets_keep_nobody_out(muster: Running, proxy: tuple[str, int, str]) -> None:
    url, port, authority = proxy
    with ExitStack() as held:
        for _ in range(IDLE):
            held.enter_context(socket.create_connection(("127.0.0.1", port), 5)).sendall(b"GET / H")
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=1).ok
    assert requests.get(f"{url}/healthz", timeout=5, verify=authority).ok
