"""Log lines as JSON objects, one a line. No header, no body and no query string gets into them."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request

from app.store.base import new_id

access_log = logging.getLogger("muster.access")


_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and what `extra={"facts": …}` gave."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _as_json(line)


class PlainLines(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Any] = getattr(record, "facts", {})
        moment = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        said = " ".join(
            str(fact) for name, fact in facts.items() if fact is not None and name != "request_id"
        )
        line = f"{moment} {record.levelname.lower():<7} {said or record.getMessage()}"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(level: str) -> None:
    """Send the program's log lines to standard error, for machines unless that is a terminal."""
    sink = logging.StreamHandler(sys.stderr)
    sink.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger("muster")
    root.handlers = [sink]
    root.setLevel(level.upper())
    root.propagate = False


def init_app(app: Flask) -> None:
    """Give every request an id, and every answer that id in X-Request-Id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


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
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        "actor": actor.label if actor is not None else None,
    }
    access_log.info("request", extra={"facts": facts})
    return response
