"""Schemas of what a probe saw, and of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from app.error_codes import ErrorType
from app.web.api.schemas.shapes import (
    ID,
    TIME,
    Schema,
    closed,
    extensible,
    nullable,
    or_null,
    ref,
    text,
    texts,
    whole,
)

_CHECK = extensible(
    {
        "name": text(),
        "status": {"enum": ["passed", "failed", "inconclusive", "skipped"]},
        "method": nullable(text()),
        "path": nullable(text()),
        "http_status": nullable(whole()),
        "duration_ms": nullable(whole()),
        "first_byte_ms": nullable(whole()),
        "evidence": text(),
        "adaptations": texts(),
    }
)
_CAPABILITY = extensible(
    {
        "declared": {"type": ["boolean", "null"], "description": "What a person declared."},
        "observed": {
            "type": ["boolean", "null"],
            "description": "What the probe saw; null: unknown.",
        },
        "evidence": text(),
    }
)
_SUGGESTIONS: Schema = {"type": "object", "additionalProperties": texts()}
DIAGNOSIS = closed(
    {"code": text(), "field": nullable(text()), "message": text(), "suggestions": _SUGGESTIONS}
)
_REPORT_FIELDS: dict[str, Schema] = {
    "id": ID,
    "model": nullable(ID),
    "verdict": {"enum": ["accepted", "rejected"]},
    "started": TIME,
    "duration_ms": whole(),
    "diagnosis": or_null(DIAGNOSIS),
    "checks": {"type": "array", "items": _CHECK},
    "capabilities": {"type": "object", "additionalProperties": _CAPABILITY},
    "warnings": {"type": "array", "items": extensible({"code": text(), "message": text()})},
    "catalog": {"type": "object"},
    "performance": {"type": "object"},
}
_REPEATED: Schema = {
    "type": "array",
    "items": {"type": "object"},
    "description": "Where checks were repeated: how often each passed, and the kinds of error.",
}
_REPORT = extensible(_REPORT_FIELDS | {"reliability": _REPEATED}, required=list(_REPORT_FIELDS))
DETAIL = closed({"field": nullable(text()), "code": text(), "message": text()})
ERROR = closed(
    {
        "code": text("What programs know the error by."),
        "message": text("What happened and what to do, in words."),
        "type": {"enum": list(get_args(ErrorType)), "description": "The family that the code belongs to."},
        "param": nullable(text("The same as `field`, null where there is none.")),
        "field": text("The field that is wrong, where it is one."),
        "details": {"type": "array", "items": DETAIL},
        "suggestions": _SUGGESTIONS,
        "doc_url": text("Where the code is explained."),
        "request_id": text("What to tell the people who run this Muster."),
    },
    required=["code", "message", "type", "param", "doc_url", "request_id"],
)

SCHEMAS: Mapping[str, Schema] = {
    "Report": _REPORT,
    "Error": closed({"error": ERROR}),
    "Rejection": closed({"error": ERROR, "probe": ref("Report")}, required=["error"]),
}
