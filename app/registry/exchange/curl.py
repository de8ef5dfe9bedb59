"""A first call of a model as a shell command."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from urllib.parse import quote

from app.registry.exchange.first_call import (
    CA_VARIABLE,
    CERTIFICATE_VARIABLE,
    JSON_CALLS,
    KEY_VARIABLE,
    PROXY_VARIABLE,
    is_keyed,
    key_header,
    url_of,
    variables_of,
)
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


def plainly_to(url: str, *options: str, keyed: bool) -> list[str]:
    """The beginning of a command to an endpoint that wants nothing but a key as a bearer."""
    parts = [" ".join(["curl --globoff", *options, shlex.quote(url)])]
    return [*parts, _header("Authorization: Bearer ", KEY_VARIABLE)] if keyed else parts


def to(model: RegisteredModel, url: str, *options: str) -> list[str]:
    """The beginning of a command: where it goes, with what key, headers and certificates."""
    # Curl takes [1-3] and {a,b} in a URL for patterns; an IPv6 address has brackets.
    parts = [" ".join(["curl --globoff", *options, shlex.quote(url)])]
    parts += [f'--cacert "${CA_VARIABLE}"'] if model.endpoint.ca_pem else []
    parts += [f'--cert "${CERTIFICATE_VARIABLE}"'] if model.endpoint.client_certificate else []
    parts += _proxy(model)
    if is_keyed(model):
        name, scheme = key_header(model)
        parts.append(_header(f"{name}: {scheme}", KEY_VARIABLE))
    return parts + [_header(f"{name}: ", variable) for name, variable in variables_of(model).items()]


def _proxy(model: RegisteredModel) -> list[str]:
    endpoint = model.endpoint
    if not endpoint.proxy:
        return []
    value = f'"${PROXY_VARIABLE}"' if endpoint.proxy_ciphertext else shlex.quote(endpoint.proxy)
    return [f"--proxy {value}"]


def _header(begins: str, variable: str) -> str:
    """The part that sends a header whose value ends with what a variable holds."""
    if re.fullmatch(r"[A-Za-z0-9 :_.-]+", begins):
        return f'-H "{begins}${variable}"'
    return f'-H {shlex.quote(begins)}"${variable}"'


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
    return to(model, url_of(model.base_url, path))


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
        *to(model, url, *options),
        *(f"-H '{name}: {value}'" for name, value in headers.items()),
    ]
