"""The audit log as it happens, as JSON lines for a file and for syslog, where the settings name them.

An event is sent after its transaction was committed, so nothing is told that did not happen. Where a line
can't be sent, the log says so and work goes on: `muster audit export --after PLACE` prints what is missing.
Several processes write one file, each line in one piece; `place` in a line says where it belongs.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Any

from flask import has_app_context
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.config import settings
from app.store.audit_events import CHAINED

log = logging.getLogger("muster.audit")
# RFC 5424: facility 13 is "log audit", severity 5 "notice".
_PRIORITY = SysLogHandler.LOG_NOTICE | 13 << 3


def line_of(facts: dict[str, Any]) -> str:
    """An event as one line of JSON; `digest` and `previous` are those of the chain."""
    # Only ASCII: some readers end lines at U+2028 too.
    return json.dumps(facts, separators=(",", ":"))


@event.listens_for(Session, "after_commit")
def _send(session: Session) -> None:
    if session.in_nested_transaction():
        return
    lines = [line_of(facts) for facts in session.info.pop(CHAINED, [])]
    if lines and has_app_context():
        _to_file(settings().audit_file, lines)
        _to_syslog(settings().audit_syslog, lines)


def _to_file(path: Path | None, lines: list[str]) -> None:
    if path is None:
        return
    try:
        # Opened each time, so that whatever rotates logs may move the file away at any moment.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, "".join(line + "\n" for line in lines).encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        log.error("%d audit events are not in %s (%s)", len(lines), path, error.strerror)


def _to_syslog(target: str, lines: list[str]) -> None:
    """Datagrams, to a socket of this machine or over UDP: sending one never waits for who reads it."""
    if not target:
        return
    try:
        family, address = _place_of(target)
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for line in lines:
                sender.sendto(f"<{_PRIORITY}>muster: {line}".encode(), address)
    except OSError as error:
        log.error("%d audit events did not get to syslog at %s (%s)", len(lines), target, error.strerror)


def _place_of(target: str) -> tuple[int, Any]:
    if target.startswith("/"):
        return socket.AF_UNIX, target
    host, _, port = target.removeprefix("udp://").rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    return found[0], found[4]
