"""Log lines as JSON objects, one a line. No header, no body and no query string gets into them."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from app.store.base import new_id

access_log = logging.getLogger("muster.access")


def init_app(app: Flask) -> None:
    """Give every request an id, and every answer that id in X-Request-Id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


def printable(text: str) -> str:
    """A text of a caller's as one harmless line: nothing in it moves a cursor or begins another line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _begin() -> None:
    g.request_id = new_id()
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    request_id, began = g.get("request_id", ""), g.get("began", time.perf_counter())
    actor = g.get("actor")
    response.headers["X-Request-Id"] = request_id
    facts = {
        "request_id": request_id,
        "method": request.method,
        "path": printable(request.path),
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        "actor": actor.label if actor is not None else None,
    }
    # A command on this machine answers for itself; its calls are no requests of anybody's.
    if actor is None or actor.kind != "cli":
        access_log.info("request", extra={"facts": facts})
    return response
