"""JSON schemas of the watch: what comes in is checked by them, what goes out is described by them."""

from __future__ import annotations

from collections.abc import Mapping

from app.watch.notices.telling import NEWS
from app.web.api.schemas.shapes import (
    UUID,
    Schema,
    closed,
    extensible,
    nullable,
    number,
    or_null,
    text,
    texts,
    whole,
)

_ID: Schema = {"type": "string", "pattern": UUID}
_TIME: Schema = {"type": "string", "format": "date-time"}
_NO_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_NO_WHOLE: Schema = {"type": ["integer", "null"]}
_NO_NUMBER: Schema = {"type": ["number", "null"]}
_FLAG: Schema = {"type": "boolean"}
_STATE: Schema = {"enum": ["up", "degraded", "down", "unknown"]}
_SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


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


_PERCENTILES = closed({"p50": _NO_WHOLE, "p95": _NO_WHOLE})
_UPTIME = closed({name: _SHARE for name in ("24h", "7d", "30d", "90d")})
_REASON = closed({"code": text(), "message": nullable(text())})
_DIGESTS = closed(
    {
        "newest": text(),
        "learned": texts(),
        "as_learned": whole("Of the last `of` vectors, those with a digest that was learned."),
        "of": whole(),
        "others_since": _NO_TIME | {"description": "When the first came whose digest was not learned."},
        "summary": text(),
    }
)
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
_FILTER = closed(
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
_DELIVERY = closed({"at": _NO_TIME, "ok": _FLAG, "message": text()})

SCHEMAS: Mapping[str, Schema] = {
    "ModelHealth": extensible(
        {
            "state": _STATE,
            "since": _NO_TIME,
            "reason": or_null(_REASON),
            "stale": _FLAG | {"description": "The state is older than three intervals."},
            "evidence": nullable(text("catalog, proof, full or canary.")),
            "last_check": _NO_TIME,
            "next_check": _NO_TIME,
            "failures_in_a_row": whole(),
            "uptime": _UPTIME,
            "latency_ms": _PERCENTILES,
            "first_token_ms": _PERCENTILES,
            "tokens": closed({"today": whole(), "month": whole()}),
            "cost": closed({"month": number(), "currency": {"const": "USD"}}),
        },
    ),
    "ModelIdentity": extensible(
        {
            "state": {"enum": ["learning", "same", "differs", "not watched"]},
            "summary": text(),
            "kind": {
                "enum": ["logprobs", "words", "vectors", None],
                "description": "What is compared; null: nothing can be.",
            },
            "samples": whole("Since the baseline stands; before, those learned so far."),
            "samples_needed": _NO_WHOLE | {"description": "For a baseline."},
            "baseline_since": _NO_TIME,
            "differs_since": _NO_TIME,
            "changed_with_it": {
                "type": "array",
                "items": closed({"name": text(), "from": {}, "to": {}}),
                "description": "What whole probes found changed since answers differ.",
            },
            "distance": _NO_NUMBER | {"description": "Of the last window from the baseline, in `unit`."},
            "noise": _NO_NUMBER | {"description": "How far parts of the baseline lie apart at most."},
            "p": _NO_NUMBER | {"description": "How likely chance alone makes a window lie that far out."},
            "unit": nullable(text()),
            "models": texts(),
            "fingerprints": texts(),
            "digests": or_null(_DIGESTS)
            | {"description": "Of vectors: what they are value by value; it decides nothing."},
            "distributions": {
                "type": "array",
                "items": closed({"label": text(), "before": number(), "now": number()}),
            },
        },
    ),
    "CompareRequest": closed(
        {
            "first": _line(1024) | {"description": "The id or refId of a model."},
            "second": _line(1024) | {"description": "Another one's."},
            "dry_run": _FLAG | {"description": "true: tell the price and ask nothing."},
        },
        required=["first", "second"],
    ),
    "Comparison": extensible(
        {
            "price": closed(
                {
                    "kind": {"enum": ["logprobs", "words"]},
                    "calls": whole(),
                    "tokens": whole(),
                    "money": _NO_NUMBER | {"description": "USD at most; null where a price is unknown."},
                }
            ),
            "result": or_null(
                closed(
                    {
                        "answer": {"enum": ["same", "different", "not told"]},
                        "summary": text(),
                        "samples": whole(),
                        "distance": number(),
                        "at_most": _NO_NUMBER
                        | {"description": "What the distance may be with 95 % certainty; null: too few."},
                        "p": number(),
                    }
                )
            ),
        },
    ),
    "HealthPoint": extensible(
        {
            "at": _TIME,
            "checks": whole(),
            "failures": whole(),
            "p50": _NO_WHOLE,
            "p95": _NO_WHOLE,
            "p99": _NO_WHOLE,
            "down_seconds": number(),
            "known_seconds": number(),
            "tokens": whole(),
        },
    ),
    "WatchSettings": closed(_SETTINGS, required=[]),
    "Incident": extensible(
        {
            "id": _ID,
            "endpoint": closed({"id": nullable(text()), "name": text()}),
            "code": text(),
            "message": text(),
            "models": {
                "type": "array",
                "items": closed({"id": text(), "name": text(), "joined": _TIME, "left": _NO_TIME}),
            },
            "opened": _TIME,
            "acknowledged": or_null(closed({"by": text(), "at": _TIME, "note": nullable(text())})),
            "resolved": _NO_TIME,
            "events": {
                "type": "array",
                "items": closed({"at": _TIME, "kind": text(), "detail": {"type": "object"}}),
            },
        },
    ),
    "Acknowledgement": closed({"note": _line(1000, empty=True)}, required=[]),
    "Event": extensible(
        {
            "cursor": text("What `after` takes to go on from here."),
            "at": _TIME,
            "kind": text(),
            "model": nullable(text()),
            "endpoint": nullable(text()),
            "detail": {"type": "object"},
        },
    ),
    "ChannelRequest": closed(_CHANNEL_FIELDS, required=["kind", "url"]),
    "ChannelChange": closed(
        {name: field for name, field in _CHANNEL_FIELDS.items() if name != "kind"}, required=[]
    ),
    "Channel": extensible(
        {
            "id": _ID,
            "name": text(),
            "kind": {"enum": ["webhook", "apprise"]},
            "host": text(),
            "filter": {"type": "object"},
            "enabled": _FLAG,
            "last_delivery": or_null(_DELIVERY),
            "secret": text("Of a webhook, only in the answer that made it."),
        },
        required=["id", "name", "kind", "host", "filter", "enabled", "last_delivery"],
    ),
    "ChannelTest": closed({"ok": _FLAG, "message": text()}),
    "MaintenanceRequest": closed(
        {
            "scope": {"enum": ["all", "model", "endpoint", "tag"]},
            "subject": _line(128),
            "begins": _TIME | {"description": "Now, where it is absent."},
            "ends": _TIME,
            "reason": _line(400, empty=True),
        },
        required=["scope", "ends"],
    ),
    "Maintenance": closed(
        {
            "id": _ID,
            "scope": text(),
            "subject": nullable(text()),
            "begins": _TIME,
            "ends": _TIME,
            "reason": text(),
            "by": text(),
        }
    ),
}
