"""The error reference that `doc_url` points to, open to all: every code, what it means, what to do."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.probe.diagnosis import CODES

blueprint = Blueprint("reference", __name__, url_prefix="/errors")

API: dict[str, tuple[str, str]] = {
    "already_exists": (
        "409",
        "The same model_id, base_url and model_type are registered. The message names that model; "
        "change it, or delete it first.",
    ),
    "ambiguous_reference": (
        "409",
        "Several models share this refId. Use the id of the one that you mean; the message lists them.",
    ),
    "api_key_required": (
        "400",
        "The base URL now leads to another server. Send api_key with it: a stored key goes to "
        "another origin only for a caller with the scope admin.",
    ),
    "api_key_unusable": (
        "400",
        "The stored key, or the variable that an env:// reference names, can't be read. Send another key.",
    ),
    "authentication_required": (
        "401",
        "Send a token: Authorization: Bearer <token>.",
    ),
    "bad_request": (
        "400",
        "The request can't be read. Check its body and headers.",
    ),
    "body_too_large": (
        "413",
        "The body is larger than 1 MiB. Send less.",
    ),
    "conflict": (
        "409",
        "Others changed the model meanwhile. Read it and make the change again.",
    ),
    "database_outdated": (
        "503",
        "The database is older than the program. Whoever runs Muster has to run muster db upgrade.",
    ),
    "database_unavailable": (
        "503",
        "The database can't be reached. Whoever runs Muster finds the cause in its log.",
    ),
    "forbidden": (
        "403",
        "Your role does not allow this. Ask an administrator.",
    ),
    "form_expired": (
        "400",
        "The page was open for too long or in another session. Load it again.",
    ),
    "idempotency_key_reused": (
        "409",
        "This Idempotency-Key came with another body within 24 hours. Use a new one.",
    ),
    "insufficient_scope": (
        "403",
        "The token lacks the scope that the message names. Make one that has it.",
    ),
    "internal_error": (
        "500",
        "Something broke in Muster itself. Tell whoever runs it the request id.",
    ),
    "invalid_api_key": (
        "401",
        "The token is unknown or was revoked. Make a new one.",
    ),
    "invalid_json": (
        "400",
        "The body is not JSON. The message says where it stops being it.",
    ),
    "keys_unavailable": (
        "503",
        "The key ring can't be read. Whoever runs Muster has to restore it.",
    ),
    "method_not_allowed": (
        "405",
        "This address does not take that method; the header Allow lists those that it takes.",
    ),
    "not_found": (
        "404",
        "There is nothing at this address. Check the path and the id.",
    ),
    "not_ready": (
        "503",
        "Muster is not ready to work. Try again in a moment.",
    ),
    "precondition_failed": (
        "412",
        "The model is not what If-Match says any more. Read it again, then change it.",
    ),
    "rate_limited": (
        "429",
        "Too many requests. Wait as long as Retry-After says.",
    ),
    "unsupported_media_type": (
        "415",
        "Send the body as application/json in UTF-8.",
    ),
}
"""The errors of Muster itself: status and what to do. A test holds that no code of the program is missing."""

INVALID = (
    "A field of the request is wrong or missing, or a key can't be sent. The message and `field` say which."
)


@blueprint.get("")
def index() -> str:
    """Every code under its own anchor."""
    probe = {code: row for code, row in CODES.items() if code != "invalid_request"}
    return render_template("house/reference.html", probe=probe, api=API, invalid=INVALID)
