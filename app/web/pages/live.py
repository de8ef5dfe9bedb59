"""A probe as it happens: events as lines for a watching browser, and how its leaving is noticed."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, redirect, render_template, request, stream_with_context
from werkzeug.wrappers import Response as BaseResponse

from app.probe.capabilities import CAPABILITY_BY_NAME
from app.probe.transport.deadline import Cancellation
from app.probe.values import CheckEnded, CheckStarted, CheckWaiting

Line = dict[str, Any]
NDJSON = "application/x-ndjson"
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


def wants_stream() -> bool:
    """Whether the browser asks for the events and not for a page."""
    return request.accept_mimetypes.best == NDJSON


def stream(lines: Iterable[Line]) -> Response:
    """The lines as newline-delimited JSON, each sent as soon as it is there."""
    response = Response(stream_with_context(_encoded(lines)), mimetype=NDJSON)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the lines back
    response.headers["Cache-Control"] = "no-store"
    return response


def last_of(lines: Iterable[Line]) -> Line:
    """Wait for the end; the last line says what came of it."""
    last: Line = {}
    for line in lines:
        last = line
    return last


def answer(lines: Iterable[Line]) -> BaseResponse:
    """The lines where the browser asks for them; else 303 to where the last of them leads."""
    return stream(lines) if wants_stream() else redirect(last_of(lines)["location"], 303)


def line_of(event: Any) -> Line | None:
    """An event of a probe as a line with the list entry that shows it; None for one that shows nothing."""
    if isinstance(event, CheckStarted):
        return _line(event.name, status="running", may_take_s=event.may_take_s)
    if isinstance(event, CheckWaiting):
        return _line(event.name, status="running", may_take_s=event.seconds, note=event.reason, waits=True)
    if isinstance(event, CheckEnded):
        check = event.check
        return _line(check.name, status=check.status, duration_ms=check.duration_ms, note=check.evidence)
    return None


def row(
    name: str,
    label: str,
    status: str,
    duration_ms: int | None = None,
    note: str = "",
    place: int | None = None,
) -> Line:
    """A line for one model of many; with a `place` it can be cancelled by itself while it runs."""
    return _line(name, label=label, status=status, duration_ms=duration_ms, note=note, stop=place)


@contextmanager
def watching() -> Iterator[Cancellation]:
    """What is set when the browser hangs up.

    A probe that nobody waits for ends then, and registers nothing.
    """
    left = Cancellation()
    connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if connection is None:
        yield left
        return
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=_watch, args=(connection.fileno(), theirs.fileno(), left), daemon=True)
    thread.start()
    try:
        yield left
    finally:
        ours.close()
        thread.join()
        theirs.close()


def _watch(connection: int, stop: int, left: Cancellation) -> None:
    poll = select.poll()
    poll.register(connection, _HUNG_UP)
    poll.register(stop, _HUNG_UP)
    if any(descriptor == connection for descriptor, _ in poll.poll()):
        left.set()


def _line(name: str, **shown: Any) -> Line:
    html = render_template("models/_live_check.html", name=name, place=_place(name), **shown)
    return {"event": "check", "name": name, "status": shown["status"], "html": html}


def _place(name: str) -> int:
    """Where a check stands: what decides first, then capabilities in the order of their table."""
    order = ("proof", "catalog", *CAPABILITY_BY_NAME)
    return order.index(name) if name in order else len(order)


def _encoded(lines: Iterable[Line]) -> Iterator[bytes]:
    for line in lines:
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
