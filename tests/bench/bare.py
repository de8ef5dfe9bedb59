"""The yardstick: a Flask application that only sends constant bytes, under the server settings of Muster.

One web worker: how a few connections happen to be spread over several would decide more than the code does.

`python -m tests.bench.bare PORT FILE…`: `/0` sends the bytes of the first file, `/1` those of the second.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from flask import Flask, Response

from app import config
from app.cli.serving import server
from tests.ports import free_port

READY_WITHIN_S = 30


def bare_app(bodies: Sequence[bytes]) -> Flask:
    """The application."""
    app = Flask(__name__)
    app.config["MUSTER"] = config.load({"MUSTER_WORKERS": "1"})

    @app.get("/<int:which>")
    def send(which: int) -> Response:
        return Response(bodies[which], mimetype="application/json")

    return app


@contextmanager
def bare_server(folder: Path, *bodies: bytes) -> Iterator[str]:
    """The application in processes of its own, until the block ends; gives its URL."""
    files = [folder / f"body_{at}" for at in range(len(bodies))]
    for file, body in zip(files, bodies, strict=True):
        file.write_bytes(body)
    with served("tests.bench.bare", *map(str, files)) as url:
        yield url


@contextmanager
def served(module: str, *arguments: str) -> Iterator[str]:
    """A module that serves the port of its first argument, until the block ends; gives its URL."""
    port = free_port()
    command = [sys.executable, "-m", module, str(port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        try:
            _await(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


def _await(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError, requests.Timeout):
            requests.get(url, timeout=5)
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not start")


if __name__ == "__main__":
    made = bare_app([Path(file).read_bytes() for file in sys.argv[2:]])
    with server.listening("127.0.0.1", int(sys.argv[1])) as bound:
        server.run(made, bound, "")
