"""A machine with nothing but Python and PostgreSQL's address becomes a second one, as docs/team.md says.

The commands are those of the page, word for word. Only the port differs, and what pip would fetch is lent.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from app.config import ROOT
from tests.ports import free_port


@pytest.fixture
def commands() -> list[str]:
    """The commands of the page."""
    page = (ROOT / "docs/team.md").read_text(encoding="utf-8").partition("## Several machines")[2]
    block = re.search(r"\n\n((?:    .+\n)+)", page)
    assert block is not None
    return [line.strip() for line in block[1].splitlines()]


def await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until it can work."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        time.sleep(0.1)
    raise AssertionError("it is not ready")


def test_three_commands_make_a_web_machine(postgres_url: str, tmp_path: Path, commands: list[str]) -> None:
    assert len(commands) == 3
    wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), str(ROOT)]
    subprocess.run(wheel, check=True, capture_output=True)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh_machine TEMPLATE template")
    url = make_url(postgres_url).set(drivername="postgresql", database="fresh_machine")
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
        "PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1",
        "MUSTER_DATABASE_URL": url.render_as_string(hide_password=False), "MUSTER_WATCH_SECONDS": "0",
        "MUSTER_SECRET_KEY": "one secret for every machine, 0123456789", "MUSTER_WORKERS": "1",
        "MUSTER_ENCRYPTION_KEYS": base64.b64encode(b"k" * 32).decode(),
    }  # fmt: skip
    *prepare, serve = commands
    for command in prepare:
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    port = free_port()
    serve = serve.replace("8700", str(port)).replace("0.0.0.0", "127.0.0.1")
    process = subprocess.Popen(f"exec {serve}", shell=True, cwd=tmp_path, env=environ, start_new_session=True)
    try:
        await_ready(f"http://127.0.0.1:{port}", process)
        assert "Sign in" in requests.get(f"http://127.0.0.1:{port}/signin", timeout=30).text
        assert requests.get(f"http://127.0.0.1:{port}/help/team", timeout=30).ok
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
