"""Every code that an answer, a report or a page can carry: the table that the error reference is made from.

`doc_url` of an error leads to the code's place on that page. A test reads the program's syntax trees and
finds every code in here. The codes of a rejected probe have their rows in `app.probe.diagnosis.codes.CODES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.probe.diagnosis.codes import CODES


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A row: what happened, what to do; `status` is HTTP's (None: stands inside another answer).

    `field` is the request field that it is about, where that is always the same. `message` is what the
    answer says where the framework itself raises the status: one row a status has it.
    """

    code: str
    status: int | None
    title: str
    help: str
    field: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Codes that turn up in the same place."""

    name: str
    label: str
    note: str
    codes: tuple[ErrorCode, ...]


_ELSEWHERE = frozenset({"invalid_request", "rate_limited", "capability_contradicted"})
"""Codes of a probe that mean more than its rejection, so that they stand in another group."""

_PROBE = tuple(
    ErrorCode(code, 400, row.title, row.help, row.field)
    for code, row in CODES.items()
    if code not in _ELSEWHERE
)

# fmt: off
_API = (
    ErrorCode("invalid_request", 400, "Something in the request is invalid",
              "`field` names what is wrong first, `details` lists everything; correct everything at once. At "
              "`api_key` it also says that the key holds a character that no HTTP header can carry: copy "
              "it again as plain text."),
    ErrorCode("invalid_json", 400, "The body is not JSON",
              "The message says where it stops being JSON. Send one object in UTF-8."),
    ErrorCode("bad_request", 400, "The request can't be read",
              "Check body and headers: something between the client and Muster may have changed them.",
              message="The request can't be read. Check its body and headers."),
    ErrorCode("endpoint_in_use", 409, "Models are served at this endpoint",
              "Delete its models first, or move them to another endpoint with PATCH."),
    ErrorCode("api_key_required", 400, "The new server needs its key",
              "`base_url` now leads to another server. Send `api_key` with it: a stored key goes to another "
              "origin only where a caller with the scope `admin` says `move_key=true`.", "api_key"),
    ErrorCode("api_key_unusable", 400, "The stored key can't be used",
              "The key ring can't open it, or the variable of its `env://` reference is not set. Send the "
              "key again, or have the operator restore the ring or set the variable.", "api_key"),
    ErrorCode("form_expired", 400, "The page belongs to another session",
              "Load the page again and send it once more. Signing in or out in another tab causes this."),
    ErrorCode("authentication_required", 401, "Nobody is signed in",
              "A program sends `Authorization: Bearer <token>`; an administrator makes tokens on the page "
              "Tokens or with `muster token create NAME`. A person signs in first.",
              message="Send a token: Authorization: Bearer <token>."),
    ErrorCode("invalid_api_key", 401, "Muster does not know the token",
              "It was mistyped or revoked. Make a new one; a token can't be shown a second time. A key that "
              "an endpoint refused is `invalid_credentials`."),
    ErrorCode("forbidden", 403, "The role does not allow this",
              "An administrator can give a person another role on the page People.",
              message="You may not do this."),
    ErrorCode("insufficient_scope", 403, "The token lacks a scope",
              "The message names it. Scopes can't be added: make a token that has it, revoke the old one."),
    ErrorCode("not_found", 404, "There is nothing at this address",
              "Check path and id. A model may have been deleted in the meantime; the audit log shows it.",
              message="There is nothing at this address. Check the path and the id."),
    ErrorCode("method_not_allowed", 405, "The address does not take this method",
              "The header `Allow` lists those that it takes.",
              message="This address does not take that method."),
    ErrorCode("already_exists", 409, "It is registered already",
              "No two models share `model_id`, `base_url` and `model_type`. The message names the other "
              "one: change it, or delete it first.", "model_id"),
    ErrorCode("ambiguous_reference", 409, "Several models share this refId",
              "The message lists their ids. Use the id of the one that you mean.", "id"),
    ErrorCode("conflict", 409, "Others changed it in the meantime",
              "Read the model again, look at what changed, and send the change once more."),
    ErrorCode("idempotency_key_reused", 409, "The Idempotency-Key belongs to another request",
              "For 24 hours a key stands for one request with one body. Use a new key for a new request.",
              "Idempotency-Key"),
    ErrorCode("precondition_failed", 412, "The model is not what If-Match says",
              "It was changed since you read it. Read it again, then send the change with the new ETag."),
    ErrorCode("body_too_large", 413, "The body is too large",
              "A body may have 1 MiB. Split the request.",
              message="The body is larger than 1 MiB. Send less."),
    ErrorCode("unsupported_media_type", 415, "The body is not declared as JSON",
              "Send `Content-Type: application/json`, in UTF-8.",
              message="The body must be JSON: send Content-Type: application/json."),
    ErrorCode("rate_limited", 429, "Too many calls in a minute",
              "From Muster itself: wait as long as `Retry-After` says; the operator sets the rate with "
              "`MUSTER_RATE_LIMIT`. With a `probe` in the answer it is the endpoint that limits calls: "
              "probe again later, or use a key with a higher limit.",
              message="Too many requests. Wait as long as Retry-After says, then go on."),
    ErrorCode("too_many_probes", 429, "Too many probes are running at once",
              "Each holds a thread of the server while the endpoint takes its time. Wait for one of yours to "
              "end, or for the seconds of `Retry-After`; the operator sets how many with "
              "`MUSTER_PROBES_PER_CALLER` and `MUSTER_PROBES_AT_ONCE`."),
    ErrorCode("internal_error", 500, "Something broke in Muster itself",
              "Nothing was left half changed. Give the operator the request id; the log has the details.",
              message="Something broke in Muster itself. Tell its operator the request id."),
    ErrorCode("not_ready", 503, "Muster is not ready", "Try again in a moment; `/readyz` says when.",
              message="Muster is not ready to work. Try again in a moment."),
    ErrorCode("database_unavailable", 503, "The database can't be reached",
              "The operator checks `MUSTER_DATABASE_URL` and that the database runs; the log says more."),
    ErrorCode("database_outdated", 503, "The database is at another revision",
              "The operator runs `muster db upgrade`, or installs the version that made it."),
    ErrorCode("keys_unavailable", 503, "The key store can't be used",
              "The operator restores the key ring from its backup; the log says which file."),
)

_DETAILS = (
    ErrorCode("required", None, "A required field is missing", "Send it; null counts as missing."),
    ErrorCode("unknown_field", None, "There is no such field",
              "Check its spelling; the message names the nearest one. Nothing unknown is ever ignored."),
    ErrorCode("duplicate_field", None, "A field is given twice", "Send each member of an object once."),
    ErrorCode("wrong_type", None, "The value has the wrong JSON type",
              "The message says which one is wanted: `\"1\"` is no number, `1` no boolean."),
    ErrorCode("invalid_choice", None, "The value is not one of the choices", "The message lists them."),
    ErrorCode("out_of_range", None, "The number is too small or too large", "The message names the bounds."),
    ErrorCode("too_short", None, "The text is empty", "It needs at least one character."),
    ErrorCode("too_long", None, "The text is too long", "The message says how long it may be."),
    ErrorCode("invalid_characters", None, "The text holds characters that can't be used",
              "Control characters, or in a key what no HTTP header can carry. Type or copy it again."),
    ErrorCode("invalid_url", None, "The base URL is no URL that can be called",
              "It begins with http:// or https:// and has a host, and neither a user name nor a fragment."),
    ErrorCode("invalid_reference", None, "The `env://` reference can't be used",
              "The variable must be set for the server, and its name must begin with `MUSTER_KEY_` (or what "
              "`MUSTER_KEY_PREFIX` says) and go on with A to Z, 0 to 9 and _ only."),
    ErrorCode("unsupported_kind", None, "An entry of an import is of a kind that can't be probed",
              "The message says why, and what to write instead where there is such a thing."),
    ErrorCode("invalid", None, "The value can't be taken", "The message says why."),
)

_WARNINGS = (
    ErrorCode("capability_contradicted", None, "A declared capability was not seen",
              "Withdraw the declaration, or enable the capability on the server, and probe again. Where "
              "the caller asked for `strict`, this rejects the model with status 400."),
    ErrorCode("key_not_enforced", None, "The endpoint answers with a wrong key as well",
              "It is open to anyone who can reach it. Turn its key check on, or keep it off the network."),
    ErrorCode("model_id_not_enforced", None, "The endpoint answers for any model id",
              "It does not say which model answered. Check on the server itself that it serves the right "
              "one."),
    ErrorCode("prompt_filtered", None, "A content filter stopped the probe's prompt",
              "Key and model were accepted, but the probe saw little of what the model can do. Relax the "
              "filter for the probe, or declare the capabilities by hand."),
)
# fmt: on

GROUPS: tuple[Group, ...] = (
    Group(
        "probe",
        "Why a probe rejects a model",
        "The answer is 400 and carries the whole report as `probe` beside `error`. Nothing was registered.",
        _PROBE,
    ),
    Group("api", "Errors of Muster itself", "`error.code` in the answer of a call, or on a page.", _API),
    Group(
        "details",
        "What is wrong with a field",
        "The `code` of an entry in `error.details`, beside `field` and `message`.",
        _DETAILS,
    ),
    Group(
        "warnings",
        "Warnings of a probe",
        "The model got in all the same: the `code` of an entry in the report's `warnings`.",
        _WARNINGS,
    ),
)
"""The reference in its order; each code stands in it once."""

BY_CODE: Mapping[str, ErrorCode] = {row.code: row for group in GROUPS for row in group.codes}

BY_STATUS: Mapping[int, ErrorCode] = {
    row.status: row for row in BY_CODE.values() if row.status and row.message
}
"""What the framework's own errors are called, by their status."""


ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "rate_limit_error",
    "api_error",
]
"""The families of errors, as OpenAI's own error object names them in `type`."""

_TYPES: Mapping[int, ErrorType] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    412: "conflict_error",
    429: "rate_limit_error",
}


def type_of(status: int) -> ErrorType:
    """The family of an error whose answer has this HTTP status."""
    return "api_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")


def status_of(code: str) -> int:
    """The HTTP status of an answer whose error has this code; a warning that became an error is a 400."""
    return BY_CODE[code].status or 400
