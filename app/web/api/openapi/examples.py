"""What calls take and answer, as examples of /openapi.json: made by the code itself wherever it can be.

Nothing in here depends on the request or the moment: every process gives the same document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from app.error_codes import status_of, type_of
from app.registry import clients
from app.registry.document import document
from app.registry.exchange import artefacts, curl, exports, openai_list
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.web.api.schemas.shapes import EXAMPLE_ID as ID
from app.web.api.schemas.shapes import EXAMPLE_TIME

JSON = Any

_BASE = "http://127.0.0.1:8099/v1"
_REF = "muster@openailike/practice-chat"
_MOMENT = datetime(2026, 3, 1, 12, 0, 0, 7000, tzinfo=UTC)

REFERENCES: Mapping[str, JSON] = {"id": {"model_id": ID}, "refId": {"model_id": _REF}}
"""Bodies that name a model."""

DEFINITIONS: Mapping[str, JSON] = {
    "practice": [
        {
            "model_name": "our-chat",
            "litellm_params": {"model": "openai/practice-chat", "api_base": _BASE, "api_key": "practice-key"},
            "model_info": {"mode": "chat", "input_cost_per_token": 5e-07, "supports_function_calling": True},
        }
    ]
}
"""Bodies of the import."""

_CHECK: Mapping[str, JSON] = {
    "name": "proof",
    "status": "passed",
    "method": "POST",
    "path": "/v1/chat/completions",
    "http_status": 200,
    "duration_ms": 41,
    "first_byte_ms": 40,
    "evidence": "The model answered: OK",
    "adaptations": [],
}
_REPORT: Mapping[str, JSON] = {
    "id": "01a207f6-7564-77e5-9d6f-6f2b1c0d8e4b",
    "model": ID,
    "verdict": "accepted",
    "started": EXAMPLE_TIME,
    "duration_ms": 180,
    "diagnosis": None,
    "checks": [_CHECK],
    "capabilities": {
        "tool_calling": {
            "declared": True,
            "observed": True,
            "evidence": "It called look_up with its argument.",
        }
    },
    "warnings": [],
    "catalog": {"listed": True, "size": 11, "metadata": {"context_window": 32768}},
    "performance": {"first_token_ms": 40, "output_tokens_per_s": None},
}
_SEEN: Mapping[str, JSON] = {"streaming": {"observed": True}, "responses_api": {"observed": False}}
_WRONG_PATH = (
    f"POST /chat/completions answered 404, and the same call below /v1 is answered. Use the base URL {_BASE}."
)
_SUGGESTIONS = {"base_url": [_BASE]}
_DIAGNOSIS = {"code": "wrong_path", "field": "base_url", "message": _WRONG_PATH, "suggestions": _SUGGESTIONS}
_FAILED = {
    **_CHECK,
    "status": "failed",
    "path": "/chat/completions",
    "http_status": 404,
    "evidence": "Not Found",
}
_REJECTED = {
    **_REPORT,
    "model": None,
    "verdict": "rejected",
    "diagnosis": _DIAGNOSIS,
    "checks": [_FAILED],
    "capabilities": {},
}


_STEP: Mapping[str, JSON] = {
    "index": 0,
    "model_name": "our-chat",
    "action": "exists",
    "existing": ID,
    "problems": [
        {
            "field": "model_name",
            "code": "already_exists",
            "message": f"It is registered already: “Practice chat”, id {ID}.",
        }
    ],
    "ignored": ["litellm_params.rpm"],
    "request": {
        "model_id": "our-chat",
        "display_name": "our-chat",
        "region": "unspecified",
        "base_url": _BASE,
        "model_type": "chat",
        "configuration": {"model_id": "practice-chat"},
    },
}
_ENDPOINT: Mapping[str, JSON] = {
    "id": ID,
    "name": "127.0.0.1:8099",
    "base_url": _BASE,
    "api_key_env": None,
    "has_key": True,
    "key_changed": EXAMPLE_TIME,
    "key_ends": None,
    "auth": {"header": "Authorization", "scheme": "Bearer"},
    "headers": ["X-Team"],
    "ca": None,
    "client_certificate": None,
    "proxy": None,
    "proxy_has_password": False,
    "models": 1,
    "health": "up",
    "created": EXAMPLE_TIME,
    "updated": EXAMPLE_TIME,
}
OTHERWISE: Mapping[str, str] = {"ImportAnswer": "ImportStep[]"}
"""What a call answers in another mode, such as dry_run."""


def _error(code: str, message: str, **more: JSON) -> dict[str, JSON]:
    told = {
        "code": code,
        "message": message,
        "type": type_of(status_of(code)),
        "param": more.get("field"),
        **more,
    }
    told["doc_url"] = f"https://muster.example.com/errors#{code}"
    return {"error": told | {"request_id": "01a207f6-7564-77e5-9d6f-6f2b1c0d8e4c"}}


ERRORS: Mapping[str, JSON] = {
    "invalid_request": _error(
        "invalid_request",
        "There is no query parameter `limt` here. Did you mean `limit`?",
        field="limt",
        suggestions={"limt": ["limit"]},
    ),
    "wrong_path": _error("wrong_path", _WRONG_PATH, field="base_url", suggestions=_SUGGESTIONS)
    | {"probe": _REJECTED},
    "authentication_required": _error(
        "authentication_required", "Send a token in the header: `Authorization: Bearer <token>`."
    ),
    "insufficient_scope": _error("insufficient_scope", "This token lacks the scope 'write'."),
    "not_found": _error("not_found", f"There is no model with the id or refId {ID}.", field="id"),
    "already_exists": _error(
        "already_exists", f"It is registered already: “Practice chat”, id {ID}.", field="model_id"
    ),
    "ambiguous_reference": _error(
        "ambiguous_reference",
        f"2 models share this refId. Use the id of the one you mean: {ID}, {_REPORT['id']}.",
        field="id",
        suggestions={"id": [ID, _REPORT["id"]]},
    ),
    "idempotency_key_reused": _error(
        "idempotency_key_reused",
        "This Idempotency-Key came with another request before. Use a new key for a new request.",
        field="Idempotency-Key",
    ),
    "endpoint_in_use": _error(
        "endpoint_in_use", "2 models are served at this endpoint. Delete or move them first.", field="id"
    ),
    "precondition_failed": _error(
        "precondition_failed",
        "The model was changed since you read it. Read it again, then send the change with its new ETag.",
    ),
    "body_too_large": _error("body_too_large", "The body is larger than 1 MiB."),
    "unsupported_media_type": _error(
        "unsupported_media_type",
        "Send the body as `Content-Type: application/json` in UTF-8; it has text/plain.",
    ),
    "rate_limited": _error("rate_limited", "Too many requests. Ask again in 12 s."),
    "not_ready": _error("not_ready", "The database can't be used."),
}
"""An answer of each kind, by the code of its error."""

OF_STATUS: Mapping[int, tuple[str, ...]] = {
    400: ("invalid_request",),
    401: ("authentication_required",),
    403: ("insufficient_scope",),
    404: ("not_found",),
    412: ("precondition_failed",),
    413: ("body_too_large",),
    415: ("unsupported_media_type",),
    429: ("rate_limited",),
    503: ("not_ready",),
}
"""The codes that stand for a status; which of 409 may come depends on the call."""


def endpoint() -> Endpoint:
    """The practice endpoint's row, in no database."""
    return Endpoint(
        id=ID, name="127.0.0.1:8099", base_url=_BASE, key_ciphertext=b"sealed", auth_header="Authorization",
        auth_scheme="Bearer", key_changed=_MOMENT, created=_MOMENT, updated=_MOMENT,
    )  # fmt: skip


def model() -> RegisteredModel:
    """A row as registering the practice model makes it, in no database."""
    return RegisteredModel(
        id=ID, model_id="practice-chat", display_name="Practice chat", model_type="chat",
        region="on-prem", endpoint_id=ID, endpoint=endpoint(), input_cost=0.5, output_cost=1.5, health="up",
        observed={"supports_streaming": True, "context_window": 32768}, capabilities={},
        supports_tool_calling=True, enabled=True, created=_MOMENT, updated=_MOMENT,
    )  # fmt: skip


def answers() -> Iterator[tuple[str, JSON]]:
    """Names of component schemas, as operations give them, and content types; each with what is answered."""
    row = model()
    made = document(row)
    yield "Model", made
    yield "Model[]", [made]
    yield "ImportAnswer", [made]
    yield "AnyJson", [made]
    yield "ImportStep[]", [_STEP]
    yield "AnyObject", {"openapi": "3.1.0", "info": {"title": "Muster", "version": "1.0.0"}, "paths": {}}
    yield "WorksWith[]", [one.as_dict() for one in clients.works_with("chat", _SEEN)]
    yield "Report", dict(_REPORT)
    yield "Report[]", [dict(_REPORT)]
    yield "OpenAIList", openai_list.listing([(row.model_id, row.created)])
    yield "OpenAIModel", openai_list.entry(row.model_id, row.created)
    yield "LiteLLMDefinition[]", DEFINITIONS["practice"]
    yield "Deleted", {"id": ID, "deleted": True}
    key = {"api_key": "practice-key"}
    yield "Endpoint", _ENDPOINT
    yield "Endpoint[]", [_ENDPOINT]
    result = {"model_id": row.model_id, "outcome": "registered", "model": made, "error": None}
    yield "EndpointAnswer", {"endpoint": _ENDPOINT, "results": [result | {"probe": _REPORT["id"]}]}
    offered = {"id": row.model_id, "model_type": "chat", "context_window": 32768, "values": {}}
    offered |= {"source": None}
    yield "Labels", {"owner": "Platform team", "contact": "platform@example.com", "tags": ["eu", "prod"]}
    counts = {"create": 0, "change": 1, "same": 0, "delete": 0, "rejected": 0}
    entry: JSON = {
        "kind": "model",
        "name": row.model_id,
        "endpoint": "Practice",
        "outcome": "change",
        "id": ID,
    }
    entry |= {"changes": {"region": ["eu", "on-prem"]}, "error": None}
    yield "Applied", {"dry_run": True, "counts": counts, "entries": [entry]}
    yield "Catalog", {"models": [offered | {"registered": ID}], "problem": None}
    yield "Credentials", {"model": ID, "base_url": _BASE, "model_id": row.model_id, **key}
    yield "Health", {"status": "ok"}
    yield "Artefacts", artefacts.all_of(row)
    yield "application/yaml", exports.FORMATS["litellm"].make([row])
    yield "text/csv", exports.FORMATS["csv"].make([row])
    yield "text/plain", curl.command(row)
