"""A line in the log for every request but static files. No header, no body, no query string gets into it."""

from __future__ import annotations

import logging
import re
import time

from flask import Flask, Response, g, request

from app.store.base import new_id

access_log = logging.getLogger("muster.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}", re.A)
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
"""Trace Context, 3.2: version, trace, parent and flags; a later version may say more."""


def init_app(app: Flask) -> None:
    """Give every request an id, and every answer that id in X-Request-Id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


def printable(text: str) -> str:
    """A text of a caller's as one harmless line: nothing in it moves a cursor or begins another line."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _begin() -> None:
    trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    g.trace_id = trace[1] if trace else None
    sent = request.headers.get("X-Request-Id", "")
    # The caller's own id leads from their log to ours; where only a trace is known, that does.
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else g.trace_id or new_id()
    g.began = time.perf_counter()


def took_s() -> float:
    """How long the request at hand has taken so far; 0 where it was refused before it began."""
    moment = time.perf_counter()
    began: float = g.get("began", moment)
    return moment - began


def _end(response: Response) -> Response:
    request_id, actor = g.get("request_id", ""), g.get("actor")
    response.headers["X-Request-Id"] = request_id
    if request.endpoint == "static":
        return response
    facts = {
        "request_id": request_id,
        "trace_id": g.get("trace_id"),
        "address": request.remote_addr,
        "method": request.method,
        "path": printable(request.path),
        "status": response.status_code,
        "duration_ms": round(took_s() * 1000, 1),
        "actor": actor.label if actor is not None else None,
    }
    # A command on this machine answers for itself; its calls are no requests of anybody's.
    if actor is None or actor.kind != "cli":
        access_log.info("request", extra={"facts": facts})
    return response
