"""JSON schemas of the watch: what comes in is checked by them, what goes out is described by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.watch.notices.telling import NEWS

JSON = Any
Schema = dict[str, JSON]

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_ID: Schema = {"type": "string", "pattern": _UUID}
_TIME: Schema = {"type": "string", "format": "date-time"}
_NO_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NO_WHOLE: Schema = {"type": ["integer", "null"]}
_NO_NUMBER: Schema = {"type": ["number", "null"]}
_FLAG: Schema = {"type": "boolean"}
_STATE: Schema = {"enum": ["up", "degraded", "down", "unknown"]}
_SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _object(
    properties: dict[str, Schema], required: list[str] | None = None, *, closed: bool = True
) -> Schema:
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": not closed}
    needed = list(properties) if required is None else required
    return made | ({"required": needed} if needed else {})


def _words(longest: int = 128, most: int = 50) -> Schema:
    items = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"^[^\u0000]*$"}
    return {"type": "array", "items": items, "maxItems": most}


def _line(longest: int, *, empty: bool = False) -> Schema:
    return {
        "type": "string",
        "minLength": 0 if empty else 1,
        "maxLength": longest,
        "pattern": r"^[^\u0000-\u001f\u007f]*$",
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_PERCENTILES = _object({"p50": _NO_WHOLE, "p95": _NO_WHOLE})
_UPTIME = _object({name: _SHARE for name in ("24h", "7d", "30d", "90d")})
_REASON = _object({"code": _TEXT, "message": {"type": ["string", "null"]}})
_SETTINGS: dict[str, Schema] = {
    "enabled": _FLAG | {"description": "false: nobody looks."},
    "every_seconds": {
        "type": ["integer", "null"],
        "minimum": 5,
        "maximum": 86_400,
        "description": "Seconds between two looks; null: as the registry has it.",
    },
    "full_every_hours": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 8760,
        "description": "Hours between two whole probes, 0: none; null: as the registry has it.",
    },
    "tokens_per_day": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 1_000_000_000,
        "description": "Tokens a day that looks may use; null: as the registry has it.",
    },
}
_FILTER = _object(
    {
        "kinds": {"type": "array", "items": {"enum": list(NEWS)}, "maxItems": len(NEWS)},
        "tags": _words(),
        "owners": _words(),
        "endpoints": _words(64),
    },
    required=[],
)
_CHANNEL_FIELDS: dict[str, Schema] = {
    "name": _line(128),
    "kind": {"enum": ["webhook", "apprise"]},
    "url": _line(2048) | {"description": "Sent, never given back."},
    "filter": _FILTER,
    "enabled": _FLAG,
}
_DELIVERY = _object({"at": _NO_TIME, "ok": _FLAG, "message": _TEXT})

SCHEMAS: Mapping[str, Schema] = {
    "ModelHealth": _object(
        {
            "state": _STATE,
            "since": _NO_TIME,
            "reason": _or_null(_REASON),
            "stale": _FLAG | {"description": "The state is older than three intervals."},
            "evidence": {"type": ["string", "null"], "description": "catalog, proof, full or canary."},
            "last_check": _NO_TIME,
            "next_check": _NO_TIME,
            "failures_in_a_row": _WHOLE,
            "uptime": _UPTIME,
            "latency_ms": _PERCENTILES,
            "first_token_ms": _PERCENTILES,
            "tokens": _object({"today": _WHOLE, "month": _WHOLE}),
            "cost": _object({"month": {"type": "number"}, "currency": {"const": "USD"}}),
        },
        closed=False,
    ),
    "ModelIdentity": _object(
        {
            "state": {"enum": ["learning", "same", "differs", "not watched"]},
            "summary": _TEXT,
            "kind": {
                "enum": ["logprobs", "words", "vectors", None],
                "description": "What is compared; null: nothing can be.",
            },
            "samples": _WHOLE | {"description": "Since the baseline stands; before, those learned so far."},
            "samples_needed": _NO_WHOLE | {"description": "For a baseline."},
            "baseline_since": _NO_TIME,
            "differs_since": _NO_TIME,
            "distance": _NO_NUMBER | {"description": "Of the last window from the baseline, in `unit`."},
            "noise": _NO_NUMBER | {"description": "How far parts of the baseline lie apart at most."},
            "p": _NO_NUMBER | {"description": "How likely chance alone makes a window lie that far out."},
            "unit": {"type": ["string", "null"]},
            "models": {"type": "array", "items": _TEXT},
            "fingerprints": {"type": "array", "items": _TEXT},
            "distributions": {
                "type": "array",
                "items": _object({"label": _TEXT, "before": {"type": "number"}, "now": {"type": "number"}}),
            },
        },
        closed=False,
    ),
    "CompareRequest": _object(
        {
            "first": _line(1024) | {"description": "The id or refId of a model."},
            "second": _line(1024) | {"description": "Another one's."},
            "dry_run": _FLAG | {"description": "true: tell the price and ask nothing."},
        },
        required=["first", "second"],
    ),
    "Comparison": _object(
        {
            "price": _object(
                {
                    "kind": {"enum": ["logprobs", "words"]},
                    "calls": _WHOLE,
                    "tokens": _WHOLE,
                    "money": _NO_NUMBER | {"description": "USD at most; null where a price is unknown."},
                }
            ),
            "result": _or_null(
                _object(
                    {
                        "answer": {"enum": ["same", "different", "not told"]},
                        "summary": _TEXT,
                        "samples": _WHOLE,
                        "distance": {"type": "number"},
                        "at_most": _NO_NUMBER
                        | {"description": "What the distance may be with 95 % certainty; null: too few."},
                        "p": {"type": "number"},
                    }
                )
            ),
        },
        closed=False,
    ),
    "HealthPoint": _object(
        {
            "at": _TIME,
            "checks": _WHOLE,
            "failures": _WHOLE,
            "p50": _NO_WHOLE,
            "p95": _NO_WHOLE,
            "p99": _NO_WHOLE,
            "down_seconds": {"type": "number"},
            "known_seconds": {"type": "number"},
            "tokens": _WHOLE,
        },
        closed=False,
    ),
    "WatchSettings": _object(_SETTINGS, required=[]),
    "Incident": _object(
        {
            "id": _ID,
            "endpoint": _object({"id": {"type": ["string", "null"]}, "name": _TEXT}),
            "code": _TEXT,
            "message": _TEXT,
            "models": {
                "type": "array",
                "items": _object({"id": _TEXT, "name": _TEXT, "joined": _TIME, "left": _NO_TIME}),
            },
            "opened": _TIME,
            "acknowledged": _or_null(
                _object({"by": _TEXT, "at": _TIME, "note": {"type": ["string", "null"]}})
            ),
            "resolved": _NO_TIME,
            "events": {
                "type": "array",
                "items": _object({"at": _TIME, "kind": _TEXT, "detail": {"type": "object"}}),
            },
        },
        closed=False,
    ),
    "Acknowledgement": _object({"note": _line(1000, empty=True)}, required=[]),
    "Event": _object(
        {
            "cursor": _TEXT | {"description": "What `after` takes to go on from here."},
            "at": _TIME,
            "kind": _TEXT,
            "model": {"type": ["string", "null"]},
            "endpoint": {"type": ["string", "null"]},
            "detail": {"type": "object"},
        },
        closed=False,
    ),
    "ChannelRequest": _object(_CHANNEL_FIELDS, required=["kind", "url"]),
    "ChannelChange": _object(
        {name: field for name, field in _CHANNEL_FIELDS.items() if name != "kind"}, required=[]
    ),
    "Channel": _object(
        {
            "id": _ID,
            "name": _TEXT,
            "kind": {"enum": ["webhook", "apprise"]},
            "host": _TEXT,
            "filter": {"type": "object"},
            "enabled": _FLAG,
            "last_delivery": _or_null(_DELIVERY),
            "secret": _TEXT | {"description": "Of a webhook, only in the answer that made it."},
        },
        required=["id", "name", "kind", "host", "filter", "enabled", "last_delivery"],
        closed=False,
    ),
    "ChannelTest": _object({"ok": _FLAG, "message": _TEXT}),
    "MaintenanceRequest": _object(
        {
            "scope": {"enum": ["all", "model", "endpoint", "tag"]},
            "subject": _line(128),
            "begins": _TIME | {"description": "Now, where it is absent."},
            "ends": _TIME,
            "reason": _line(400, empty=True),
        },
        required=["scope", "ends"],
    ),
    "Maintenance": _object(
        {
            "id": _ID,
            "scope": _TEXT,
            "subject": {"type": ["string", "null"]},
            "begins": _TIME,
            "ends": _TIME,
            "reason": _TEXT,
            "by": _TEXT,
        }
    ),
}
