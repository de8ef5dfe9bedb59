"""A call as the report keeps it: a check with its request, cleaned of the key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.reading.redaction import is_secret, secrets_of, without_secrets
from app.probe.reading.refusal import printable
from app.probe.transport.answer import Answer
from app.probe.values import Check, Status

_SHOWN_VALUE = 2048
"""Longest string that a recorded request repeats whole; a longer one is shortened. The picture of the vision
check fits, so that every check can be repeated by hand.
"""


def shown(body: Any) -> Any:
    """A request's body as the report keeps it: long strings (an image, audio) shortened, nothing else
    changed.
    """
    if isinstance(body, str):
        return body if len(body) <= _SHOWN_VALUE else body[:80] + f"…({len(body)} characters)"
    if isinstance(body, Mapping):
        return {name: shown(value) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [shown(value) for value in body]
    return body


def check_of(
    name: str,
    status: Status,
    request: Request,
    answer: Answer | None,
    evidence: str,
    talk: Conversation,
    adaptations: tuple[str, ...] = (),
) -> Check:
    """The record of a call as a check of the report, cleaned of the key."""
    return Check(
        name=name,
        status=status,
        method=request.method,
        path=f"{talk.base.path}{request.route}",
        http_status=answer.status if answer else None,
        duration_ms=answer.duration_ms if answer else None,
        first_byte_ms=answer.first_byte_ms if answer else None,
        evidence=printable(evidence),
        adaptations=adaptations,
        request=_without_secrets(shown(request.sent), talk)
        if request.body is not None or request.form
        else None,
    )


def _without_secrets(body: Any, talk: Conversation) -> Any:
    """A second turn repeats what the endpoint said: a key that came in pieces of a stream is whole there.

    The text of all is looked at first, since hardly any holds one, and text by text takes ten times as long.
    """
    secrets = tuple(filter(is_secret, secrets_of(talk.endpoint.api_key, talk.endpoint.settings)))
    text = json.dumps(body, ensure_ascii=False)
    return body if without_secrets(text, secrets) == text else _keyless(body, secrets)


def _keyless(body: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(body, str):
        return without_secrets(body, secrets)
    if isinstance(body, Mapping):
        return {name: _keyless(value, secrets) for name, value in body.items()}
    return [_keyless(value, secrets) for value in body] if isinstance(body, list | tuple) else body
