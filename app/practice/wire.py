"""Requests and replies of the practice endpoint as values, with OpenAI's own error bodies.

Nothing in here knows of sockets: `server.py` brings requests in and sends replies out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from typing import Any

JSON = Any


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case, `path` without the query string."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""

    @property
    def key(self) -> str:
        """The key after `Bearer `, empty where there is none."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    @cached_property
    def json(self) -> JSON:
        """The body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @cached_property
    def form(self) -> dict[str, bytes]:
        """The parts of a multipart/form-data body by name; empty where it is no such body."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        if not message.is_multipart():
            return {}
        parts: dict[str, bytes] = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                parts[name] = content
        return parts


@dataclass(frozen=True)
class Reply:
    """One HTTP reply. A body that is no bytes is sent in pieces as it comes (chunked)."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> JSON:
        """The body as JSON; None where it is in pieces or not JSON."""
        try:
            return json.loads(self.body) if isinstance(self.body, bytes) else None
        except ValueError:
            return None


class Refused(Exception):
    """A request that the endpoint answers with an error; raised by checks, caught by the router."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def as_json(body: JSON, status: int = 200, **headers: str) -> Reply:
    """A JSON reply; `headers` with underscores for dashes (`retry_after="3"`)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), headers=named)


def error(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | int | None = None,
) -> Reply:
    """An error as OpenAI words it: `{"error": {message, type, param, code}}`."""
    return as_json({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)


def event(chunk: JSON) -> bytes:
    """One server-sent event."""
    text = chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def events(chunks: Iterable[JSON]) -> Reply:
    """A stream of server-sent events that ends with `[DONE]`."""

    def pieces() -> Iterable[bytes]:
        for chunk in chunks:
            yield event(chunk)
        yield event("[DONE]")

    return Reply(200, pieces(), "text/event-stream; charset=utf-8", {"cache-control": "no-cache"})


def masked(key: str) -> str:
    """A key as OpenAI repeats it in its refusal: first and last letters only."""
    if len(key) < 12:
        return "*" * len(key)
    return key[:8] + "*" * (len(key) - 12) + key[-4:]


def missing_key() -> Reply:
    """401 of a request without a key."""
    return error(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header "
        "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank "
        "username) if you're accessing the API from your browser and are prompted for a username and "
        "password. You can obtain an API key from https://platform.openai.com/account/api-keys.",
    )


def wrong_key(key: str) -> Reply:
    """401 of a request with a key that is not known."""
    return error(
        401,
        f"Incorrect API key provided: {masked(key)}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def unknown_model(model: str) -> Reply:
    """404 of a request for a model that is not served."""
    return error(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def unknown_path(request: Request) -> Reply:
    """404 of a path that is not served, a missing /v1 included."""
    return error(404, f"Invalid URL ({request.method} {request.path})")


def not_allowed(request: Request) -> Reply:
    """405 of a path asked with the wrong method."""
    return error(
        405,
        f"Not allowed to {request.method} on {request.path} "
        "(HINT: Perhaps you meant to use a different HTTP method?)",
        code="method_not_supported",
    )


def not_json() -> Reply:
    """400 of a body that is no JSON."""
    return error(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
        "HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "
        "JSON. If you have trouble figuring out how to fix this, please contact us through our help "
        "center at help.openai.com.)",
    )
