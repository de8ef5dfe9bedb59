"""What the watch's calls answer, as examples of /openapi.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JSON = Any

_ID = "01a207f6-7564-77e5-9d6f-6f2b1c0d8e4a"
_AT, _LATER = "2026-03-01T12:00:00.007Z", "2026-03-01T12:05:00.112Z"
_TIMES = {"p50": 410, "p95": 980}
_INCIDENT: JSON = {
    "id": _ID,
    "endpoint": {"id": "0f3a", "name": "127.0.0.1:8099"},
    "code": "endpoint_unreachable",
    "message": "Nothing answers at 127.0.0.1 port 8099: the connection was refused.",
    "models": [{"id": _ID, "name": "Practice chat", "joined": _AT, "left": None}],
    "opened": _AT,
    "acknowledged": {"by": "user:ada@example.com", "at": _LATER, "note": "The host is being restarted."},
    "resolved": None,
    "events": [{"at": _AT, "kind": "opened", "detail": {"message": "The connection was refused."}}],
}
_CHANNEL: JSON = {
    "id": _ID,
    "name": "The team's hook",
    "kind": "webhook",
    "host": "hooks.example.com",
    "filter": {"kinds": ["incident.opened", "incident.resolved"]},
    "enabled": True,
    "last_delivery": {"at": _AT, "ok": True, "message": "It answered 204."},
}
_WINDOW: JSON = {
    "id": _ID,
    "scope": "endpoint",
    "subject": "0f3a",
    "begins": _AT,
    "ends": _LATER,
    "reason": "New cards.",
    "by": "user:ada@example.com",
}
_HEALTH: JSON = {
    "state": "up",
    "since": _AT,
    "reason": None,
    "stale": False,
    "evidence": "proof",
    "last_check": _LATER,
    "next_check": "2026-03-01T12:10:00.000Z",
    "failures_in_a_row": 0,
    "uptime": {"24h": 1.0, "7d": 0.9991, "30d": 0.9987, "90d": None},
    "latency_ms": _TIMES,
    "first_token_ms": {"p50": 120, "p95": 300},
    "tokens": {"today": 3456, "month": 51_840},
    "cost": {"month": 0.0312, "currency": "USD"},
}
_POINT: JSON = {
    "at": "2026-03-01T12:00:00.000Z",
    "checks": 12,
    "failures": 1,
    "p50": 410,
    "p95": 980,
    "p99": 980,
    "down_seconds": 0.0,
    "known_seconds": 3600.0,
    "tokens": 144,
}
_EVENT: JSON = {
    "cursor": "17",
    "at": _AT,
    "kind": "health",
    "model": _ID,
    "endpoint": "0f3a",
    "detail": {"from": "up", "to": "down", "code": "timeout", "message": "No answer within 60 s."},
}
_IDENTITY: JSON = {
    "state": "same",
    "summary": "It answers as it did when it was learned.",
    "kind": "logprobs",
    "samples": 40,
    "samples_needed": 288,
    "baseline_since": _AT,
    "differs_since": None,
    "changed_with_it": [],
    "distance": 0.02,
    "noise": 0.05,
    "p": None,
    "unit": "nats a token",
    "models": ["gpt-5"],
    "fingerprints": [],
    "digests": None,
    "distributions": [{"label": "Hello", "before": 0.61, "now": 0.6}],
}
_COMPARISON: JSON = {
    "price": {"kind": "logprobs", "calls": 48, "tokens": 528, "money": 0.0004},
    "result": {
        "answer": "same",
        "summary": "Their answers can't be told apart.",
        "samples": 24,
        "distance": 0.01,
        "at_most": 0.014,
        "p": 0.62,
    },
}

ANSWERS: Mapping[str, JSON] = {
    "ModelHealth": _HEALTH,
    "ModelIdentity": _IDENTITY,
    "Comparison": _COMPARISON,
    "HealthPoint[]": [_POINT],
    "WatchSettings": {"enabled": True, "every_seconds": 60, "full_every_hours": None, "tokens_per_day": None},
    "Incident": _INCIDENT,
    "Incident[]": [_INCIDENT],
    "Event[]": [_EVENT],
    "Channel": _CHANNEL,
    "Channel[]": [_CHANNEL],
    "ChannelTest": {"ok": True, "message": "It answered 204."},
    "Maintenance": _WINDOW,
    "Maintenance[]": [_WINDOW],
    "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}
"""An answer of each kind, by the names that operations give them."""
