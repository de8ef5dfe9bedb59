"""The sample configuration of nginx in front of a running Muster: streams stay streams, idle callers are sent
away, and what is behind goes on answering."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
import trustme

from app.config import ROOT
from tests.load.running import Running
from tests.ports import free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="there is no nginx; install nginx-light")
IDLE = 1000


@contextmanager
def proxied(muster: Running, folder: Path) -> Iterator[tuple[str, int, str]]:
    """The URL and port of nginx in front of a Muster, and the file of the authority that signed for it."""
    port, authority = free_port(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    sample = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    changes = {
        "127.0.0.1:8700": f"127.0.0.1:{muster.port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "muster.example.com": "localhost",
        "/etc/ssl/muster.pem": str(folder / "both.pem"),
        "/etc/ssl/muster.key": str(folder / "both.pem"),
    }
    for sampled, ours in changes.items():
        assert sampled in sample
        sample = sample.replace(sampled, ours)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log off;\n{temporary}{sample}\n}}\n"
    )
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield f"https://localhost:{port}", port, str(folder / "authority.pem")
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nginx did not start")


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Muster behind one proxy."""
    running = Running(tmp_path_factory.mktemp("muster"), trusted_proxies=1, watch_seconds=0)
    yield running
    running.stop()


@pytest.fixture
def proxy(muster: Running, tmp_path: Path) -> Iterator[tuple[str, int, str]]:
    """The proxy in front of it."""
    with proxied(muster, tmp_path) as front:
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
