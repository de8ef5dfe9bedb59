"""Answers built by hand, for tests of what is read from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.probe.reading.refusal import Refusal, read_refusal
from app.probe.transport.answer import Answer
from app.probe.transport.call import Call

JSON = Any


class Text(str):
    """A body that is no JSON."""


def answered(status: int | None, body: JSON = None, headers: Mapping[str, str] | None = None) -> Answer:
    """What an endpoint answered: bytes and `Text` as they are, everything else as JSON."""
    if isinstance(body, Text):
        raw = body.encode()
    else:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    call = Call("POST", "http://endpoint.test/v1/chat/completions")
    return Answer(call, status, headers or {}, raw, 9, 5, ((5, len(raw)),), None)


def refusal(status: int | None, body: JSON = None, headers: Mapping[str, str] | None = None) -> Refusal:
    """The words of such an answer."""
    return read_refusal(answered(status, body, headers))


def streamed(*chunks: JSON, done: bool = True) -> bytes:
    """A body of server-sent events."""
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*events, "data: [DONE]\n\n" if done else ""]).encode()
