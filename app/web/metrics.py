"""What web processes count for /metrics: requests by route and status, their times, and the processes.

Several processes answer for one Muster. `share` has them count in files of one folder, so that a scrape,
which one of them answers, tells of all; without it each counts in its own memory.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, values
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.config import Settings
from app.web import logs

_NAME = "muster_http_metrics"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""What the library calls it."""
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_UNKNOWN = "none"
"""The route of what no route answers: paths are made up by callers, so they are no label."""


def share(chosen: Settings) -> None:
    """Have this process and those forked from it count together. Called before the application is made."""
    folder = chosen.instance / "metrics" / str(chosen.port)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[_FOLDER] = str(folder)
    # As the library does where the variable was set before it was imported.
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def init_app(app: Flask) -> None:
    """Count every request of this application."""
    app.extensions[_NAME] = HttpMetrics()
    app.after_request(_count)


def collectors() -> Iterable[Collector]:
    """What the web processes of the current application tell."""
    counted: HttpMetrics = current_app.extensions[_NAME]
    folder = os.environ.get(_FOLDER)
    shared = bool(folder and values.ValueClass._multiprocess)
    yield _all_files(folder) if shared and folder else counted.registry
    yield Processes(os.getppid() if shared else os.getpid())


def _all_files(folder: str) -> Collector:
    made: Collector = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]
    return made


class HttpMetrics:
    """The counts of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "muster_http_requests",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "muster_http_request_seconds",
            "Seconds until an answer began.",
            ["area"],
            buckets=_SECONDS,
            registry=self.registry,
        )


def _count(response: Response) -> Response:
    if request.endpoint == "static":
        return response
    counted: HttpMetrics = current_app.extensions[_NAME]
    route = request.url_rule.rule if request.url_rule else _UNKNOWN
    method = request.method if request.url_rule else _UNKNOWN
    counted.requests.labels(method, route, str(response.status_code)).inc()
    counted.seconds.labels(_area()).observe(logs.took_s())
    return response


def _area() -> str:
    return "api" if (request.blueprint or "").startswith("api_") else "pages"


class Processes(Collector):
    """CPU, memory and open files of a process and its children, by what they do."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def collect(self) -> Iterable[Metric]:
        """Sums over the processes of a kind. Nothing where there is no /proc."""
        sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for pid in (self._parent, *_children(self._parent)):
            kind = _kind_of(pid, self._parent)
            for family in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                sums[family.name][kind] += family.samples[0].value
            sums["count"][kind] += 1
        yield _family(CounterMetricFamily, "cpu_seconds", "CPU time.", sums["process_cpu_seconds"])
        memory, files = sums["process_resident_memory_bytes"], sums["process_open_fds"]
        yield _family(GaugeMetricFamily, "resident_memory_bytes", "Resident memory.", memory)
        yield _family(GaugeMetricFamily, "open_fds", "Open file descriptors.", files)
        yield _family(GaugeMetricFamily, "running", "Processes that run.", sums["count"])


def _family(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, help: str, found: dict[str, float]
) -> Metric:
    made = kind(f"muster_process_{name}", f"{help} By what the processes do.", labels=["process"])
    for process, value in sorted(found.items()):
        made.add_metric([process], value)
    return made


def _children(parent: int) -> list[int]:
    """Those that any of its threads started."""
    try:
        lists = [file.read_text() for file in Path(f"/proc/{parent}/task").glob("*/children")]
    except OSError:  # a thread ended meanwhile, or there is no /proc
        return []
    return [int(pid) for pids in lists for pid in pids.split()]


def _kind_of(pid: int, parent: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "web"
    if b"app.practice" in words:
        return "practice"
    return "watcher" if b"worker" in words else "main" if pid == parent and _children(pid) else "web"
