"""Callers that begin a request and send no more of it."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from app.cli.serving.web_worker import HEAD_WITHIN_S
from tests.load.running import running


@pytest.mark.parametrize(
    "sent", [b"GET / ", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "], ids=["line", "header"]
)
def test_a_request_that_is_never_finished_holds_no_thread(tmp_path: Path, sent: bytes) -> None:
    """Every thread is held; a little after the deadline all are free again, and stay so."""
    with running(tmp_path, practice=False, workers=1, threads=8) as muster, ExitStack() as opened:
        for _ in range(24):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
            slow.sendall(sent)
        with pytest.raises(requests.Timeout):
            requests.get(f"{muster.url}/healthz", timeout=3)
        time.sleep(3 * (HEAD_WITHIN_S + 2))
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=3).ok
    assert "Traceback" not in muster.logged()
