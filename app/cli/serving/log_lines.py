"""Log lines on standard error: JSON objects for machines, short lines for a person at a terminal."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from flask import g, has_request_context

from app import config
from app.probe.console.command import KEY_VARIABLE

log = logging.getLogger("muster.settings")
_FOR_MACHINES = ("request_id", "trace_id", "address")
_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and what `extra={"facts": …}` gave.

    What is logged within a request has its id, so that a probe's line is found by the request's.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({"request_id": g.get("request_id", "")} if has_request_context() else {}),
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
            str(fact) for name, fact in facts.items() if fact is not None and name not in _FOR_MACHINES
        )
        line = f"{moment} {record.levelname.lower():<7} {said or record.getMessage()}"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(level: str) -> None:
    """Send the program's log lines to standard error, for machines unless that is a terminal.

    The queue library's go there too: it tells when the queue can't be read.
    """
    sink = logging.StreamHandler(sys.stderr)
    sink.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    for name in ("muster", "huey"):
        logger = logging.getLogger(name)
        logger.handlers = [sink]
        logger.propagate = False
    logging.getLogger("muster").setLevel(level.upper())


def prepare_log(chosen: config.Settings) -> None:
    """Log lines on standard error, the first of them a warning for each unknown setting."""
    configure(chosen.log_level)
    for name in config.unknown(os.environ, chosen.key_prefix):
        if name != KEY_VARIABLE:
            log.warning("%s is not a setting of Muster and has no effect. Is it misspelled?", name)
