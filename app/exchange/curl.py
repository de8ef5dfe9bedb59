"""A first call of a model as a shell command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.exchange.first_call import JSON_CALLS, KEY_VARIABLE, is_keyed, url_of
from app.models import RegisteredModel

_GLUE = " \\\n  "


def command(model: RegisteredModel) -> str:
    """The command for a POSIX shell; the key comes from the variable API_KEY."""
    if model.model_type == "stt":
        return _GLUE.join(_transcription(model))
    if model.model_type == "realtime":
        return _GLUE.join(_handshake(model))
    path, body = JSON_CALLS[model.model_type]
    text = _json({"model": model.wire_model_id, **body})
    parts = [*_to(model, path), "-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    return _GLUE.join([*parts, "-o speech.mp3"] if model.model_type == "tts" else parts)


def _json(body: Mapping[str, Any]) -> str:
    """JSON that people can read, in which nothing hides that can't be seen."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def _to(model: RegisteredModel, path: str) -> list[str]:
    # Curl takes [1-3] and {a,b} in a URL for patterns; an IPv6 address has brackets.
    parts = [f"curl --globoff {shlex.quote(url_of(model.base_url, path))}"]
    return [*parts, f'-H "Authorization: Bearer ${KEY_VARIABLE}"'] if is_keyed(model) else parts


def _transcription(model: RegisteredModel) -> list[str]:
    # --form-string: -F would read a file where the value begins with @ or <.
    named = shlex.quote(f"model={model.wire_model_id}")
    return [*_to(model, "audio/transcriptions"), "-F file=@speech.wav", f"--form-string {named}"]


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
    first, *keyed = _to(model, "")
    first = f"curl --globoff --http1.1 --include --no-buffer --max-time 5 {shlex.quote(url)}"
    return [first, *keyed, *(f"-H '{name}: {value}'" for name, value in headers.items())]
