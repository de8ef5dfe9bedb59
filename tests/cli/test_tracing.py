"""OpenTelemetry: off unless its variables ask for it, and no secret in what it sends."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.cli.serving.tracing import is_wanted
from app.config import ROOT
from tests import quick_start

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "sk-hush-0123456789"
SCRIPT = """
import sys
import requests
from requests.adapters import HTTPAdapter
from app.cli.serving import tracing
from app.factory import create_app
from app.store.migrations import revisions
app = create_app()
with app.app_context():
    revisions.upgrade_database()
tracing.start(app)
client, url = app.test_client(), sys.argv[1]
client.get("/readyz?q=SECRET", headers={"traceparent": "00-TRACE-00f067aa0ba902b7-01"})
adapter = HTTPAdapter()  # as a probe calls: without a session
adapter.send(requests.Request("GET", url + "/endpoint?api_key=SECRET").prepare(), timeout=10).close()
try:
    requests.get("http://127.0.0.1:9/gone?api_key=SECRET", timeout=10)
except requests.ConnectionError:
    pass
loaded = "opentelemetry.sdk.trace" in sys.modules
if loaded:
    from opentelemetry import trace
    trace.get_tracer_provider().shutdown()
print(loaded)
""".replace("SECRET", SECRET).replace("TRACE", TRACE)


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent: path, headers and body of each call."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.calls.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of traces, and an endpoint too."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(collector: Collector, folder: Path, **variables: str) -> str:
    """What the script says, with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "OTEL_"))}
    done = quick_start.run(
        [sys.executable, "-c", SCRIPT, collector.url], cwd=ROOT, env=kept | {"MUSTER_INSTANCE": str(folder)}
        | variables, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


def test_it_is_off_by_default(collector: Collector, tmp_path: Path) -> None:
    assert run(collector, tmp_path) == "False"
    assert [path.partition("?")[0] for path, _, _ in collector.calls] == ["/endpoint"]


def test_requests_queries_and_calls_are_traced(collector: Collector, tmp_path: Path) -> None:
    assert run(collector, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) == "True"
    sent = b"".join(body for path, _, body in collector.calls if path == "/v1/traces")
    assert bytes.fromhex(TRACE) in sent, "the caller's trace does not go on"
    assert b"/readyz" in sent and b"/endpoint" in sent and b"SELECT" in sent and b"muster" in sent
    assert SECRET.encode() not in sent
    (called,) = [headers for path, headers, _ in collector.calls if path.startswith("/endpoint")]
    assert "traceparent" not in {name.lower() for name in called}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SERVICE_NAME": "muster"}, False),
    ],
)
def test_which_variables_ask_for_it(environ: dict[str, str], wanted: bool) -> None:
    assert is_wanted(environ) is wanted
