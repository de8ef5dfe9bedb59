"""A first call of a model as a shell command."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote

from app.registry.exchange.first_call import JSON_CALLS, KEY_VARIABLE, is_keyed, url_of
from app.store.models import RegisteredModel

_GLUE = " \\\n  "


def command(model: RegisteredModel) -> str:
    """The command for a POSIX shell; the key comes from the variable API_KEY."""
    if model.model_type == "stt":
        return joined(_transcription(model))
    if model.model_type == "realtime":
        return joined(_handshake(model))
    path, body = JSON_CALLS[model.model_type]
    parts = [*_to(model, path), *with_json({"model": model.wire_model_id, **body})]
    return joined([*parts, "-o speech.mp3"] if model.model_type == "tts" else parts)


def to(url: str, *options: str, keyed: bool) -> list[str]:
    """The beginning of a command: where it goes, and with what key."""
    # Curl takes [1-3] and {a,b} in a URL for patterns; an IPv6 address has brackets.
    parts = [" ".join(["curl --globoff", *options, shlex.quote(url)])]
    return [*parts, f'-H "Authorization: Bearer ${KEY_VARIABLE}"'] if keyed else parts


def with_json(body: Any) -> list[str]:
    """The parts that send a body: JSON that people can read, in which nothing hides that can't be seen."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    seen = "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
    return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(seen)}"]


def form_text(name: str, text: str) -> str:
    """The part that sends a member of a form as it is."""
    # --form-string: -F would read a file where the value begins with @ or <.
    return f"--form-string {shlex.quote(f'{name}={text}')}"


def joined(parts: list[str]) -> str:
    """The command, a line for each part."""
    return _GLUE.join(parts)


def _to(model: RegisteredModel, path: str) -> list[str]:
    return to(url_of(model.base_url, path), keyed=is_keyed(model))


def _transcription(model: RegisteredModel) -> list[str]:
    named = form_text("model", model.wire_model_id)
    return [*_to(model, "audio/transcriptions"), "-F file=@speech.wav", named]


def _handshake(model: RegisteredModel) -> list[str]:
    """The opening of a session; a working endpoint answers 101 and then says `session.created`."""
    url = url_of(model.base_url, "realtime")
    url += ("&" if "?" in url else "?") + "model=" + quote(model.wire_model_id, safe="")
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "bXVzdGVyLWZpcnN0LWNhbA==",
    }
    options = ("--http1.1", "--include", "--no-buffer", "--max-time 5")
    return [
        *to(url, *options, keyed=is_keyed(model)),
        *(f"-H '{name}: {value}'" for name, value in headers.items()),
    ]
