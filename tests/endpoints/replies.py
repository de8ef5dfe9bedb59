"""Replies and readings of requests that the simulated endpoints are written in."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.practice.wire import Reply, as_json, event

JSON = Any


@dataclass(frozen=True)
class Raw(Reply):
    """Bytes written to the connection as they are, in place of a reply; the connection is closed after."""

    play: Callable[[socket.socket], None] = lambda connection: None


def text(status: int, body: str, content_type: str = "text/plain; charset=utf-8", **headers: str) -> Reply:
    """A reply that is not JSON; `headers` with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body.encode(), content_type, named)


def html(status: int, body: str, **headers: str) -> Reply:
    """A page."""
    return text(
        status,
        f"<!doctype html><html><head><title>{body}</title></head><body><h1>{body}</h1></body></html>",
        "text/html; charset=utf-8",
        **headers,
    )


def raw(*pieces: bytes, pause: Callable[[], object] = bool, reset: bool = False) -> Raw:
    """Exactly these bytes, the pause after each, then the end of the connection (a reset if asked)."""

    def play(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            pause()
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    return Raw(play=play)


def sse(*chunks: JSON, done: bool = True, content_type: str = "text/event-stream") -> Reply:
    """Server-sent events; a chunk that is bytes is sent as it is."""
    body = b"".join(chunk if isinstance(chunk, bytes) else event(chunk) for chunk in chunks)
    return Reply(200, body + (event("[DONE]") if done else b""), content_type)


def chunks_of(reply: Reply) -> list[JSON]:
    """The chunks of a streamed reply of the base, without `[DONE]`."""
    pieces = [reply.body] if isinstance(reply.body, bytes) else list(reply.body)
    lines = b"".join(pieces).decode().split("\n\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def texts(body: JSON, *roles: str) -> str:
    """All that the messages of these roles say (every role where none is named)."""
    said = []
    for message in body.get("messages", []):
        if not roles or message.get("role") in roles:
            content = message.get("content") or ""
            parts = content if isinstance(content, list) else [{"text": content}]
            said += [part.get("text", "") for part in parts]
    return " ".join(said)


def roles(body: JSON) -> list[str]:
    """The roles of the messages in their order."""
    return [message.get("role") for message in body.get("messages", [])]


def has_image(body: JSON) -> bool:
    """Whether a message holds a picture."""
    return "image_url" in json.dumps(body.get("messages", []))


def schema_of(body: JSON) -> str:
    """The type of response_format, `text` where none is asked."""
    return str((body.get("response_format") or {}).get("type", "text"))


def vllm(status: int, message: str, kind: str = "BadRequestError", param: str | None = None) -> Reply:
    """An error as vLLM and SGLang word it: the fields at the top, `object` beside them."""
    body = {"object": "error", "message": message, "type": kind, "param": param, "code": status}
    return as_json(body, status)
