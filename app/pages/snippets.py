"""Calls that a reader can copy: a check repeated by hand, and a first call in curl and in Python."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

KEY = "$API_KEY"


def url_of(base_url: str, path: str) -> str:
    """Base and path joined by one slash; the base's query string stays at the end."""
    parts = urlsplit(base_url.strip())
    joined = parts.path.rstrip("/") + "/" + path.lstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, joined, parts.query, ""))


def curl(method: str, url: str, body: Any = None, *, keyed: bool = True) -> str:
    """One call as a shell command; the key is taken from the variable API_KEY, never written out."""
    parts = [f"curl {shlex.quote(url)}"]
    if keyed:
        parts.append(f'-H "Authorization: Bearer {KEY}"')
    if _is_form(body):
        parts += [_form_part(name, value) for name, value in body.items()]
    elif body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append("-d " + shlex.quote(json.dumps(body, indent=2, ensure_ascii=False)))
    elif method == "POST":
        parts[0] = f"curl -X POST {shlex.quote(url)}"
    return " \\\n  ".join(parts)


def _is_form(body: Any) -> bool:
    """Whether a recorded request was a form: a file in it is its name after an `@`."""
    return isinstance(body, Mapping) and any(
        str(body.get(name, "")).startswith("@") for name in ("file", "image")
    )


def _form_part(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{'-F' if text.startswith('@') else '--form-string'} {shlex.quote(f'{name}={text}')}"


def curl_of_check(base_url: str, check: Mapping[str, Any], *, keyed: bool) -> str | None:
    """The call of a check of a report, or None for one that made none. A file in it is the reader's own.

    The path of a check begins at the server's root; the base's query string goes with every call.
    """
    method, path = check.get("method"), str(check.get("path") or "")
    if not path or method not in ("GET", "POST"):
        return None
    parts = urlsplit(base_url.strip())
    route, _, query = path.partition("?")
    query = "&".join(filter(None, (parts.query, query)))
    command = curl(
        method,
        urlunsplit((parts.scheme, parts.netloc, route, query, "")),
        check.get("request"),
        keyed=keyed,
    )
    return command + _UPGRADE if method == "GET" and route.endswith("/realtime") else command


_UPGRADE = "".join(
    f" \\\n  {part}"
    for part in (
        "-i -N --http1.1",
        "-H 'Connection: Upgrade'",
        "-H 'Upgrade: websocket'",
        "-H 'Sec-WebSocket-Version: 13'",
        "-H 'Sec-WebSocket-Key: bXVzdGVyLWJ5LWhhbmQhIQ=='",
    )
)
"""What makes a GET ask for a WebSocket; curl then shows the first messages as they come."""


def first_call(model_type: str, base_url: str, model_id: str, *, keyed: bool) -> str | None:
    """A smallest useful call of the model in curl, or None for a type that curl can't call."""
    if model_type == "stt":
        return _transcription(base_url, model_id, keyed)
    if model_type not in _BODIES:
        return None
    path, body = _BODIES[model_type]
    command = curl("POST", url_of(base_url, path), {"model": model_id, **body}, keyed=keyed)
    return command + " \\\n  -o speech.mp3" if model_type == "tts" else command


def python_call(model_type: str, base_url: str, model_id: str, *, keyed: bool) -> str | None:
    """The same call with the `openai` package, or None for a type that it has no call for."""
    call = _PYTHON.get(model_type)
    if call is None:
        return None
    parts = urlsplit(base_url)
    base = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    query = dict(item.partition("=")[::2] for item in parts.query.split("&") if item)
    lines = [f"    base_url={json.dumps(base)},"]
    lines.append(
        '    api_key=os.environ["API_KEY"],' if keyed else '    api_key="none",  # none is asked for'
    )
    if query:
        lines.append(f"    default_query={query!r},")
    head = "import os\n\nfrom openai import OpenAI" if keyed else "from openai import OpenAI"
    return "\n".join([head, "", "client = OpenAI(", *lines, ")", call.replace("MODEL", json.dumps(model_id))])


def _transcription(base_url: str, model_id: str, keyed: bool) -> str:
    lines = [f"curl {shlex.quote(url_of(base_url, 'audio/transcriptions'))}"]
    if keyed:
        lines.append(f'-H "Authorization: Bearer {KEY}"')
    return " \\\n  ".join([*lines, "-F file=@speech.wav", f"-F {shlex.quote('model=' + model_id)}"])


_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("chat/completions", {"messages": [{"role": "user", "content": "Say hello."}]}),
    "completion": ("completions", {"prompt": "Once upon a time", "max_tokens": 32}),
    "embedding": ("embeddings", {"input": "The quick brown fox"}),
    "image": ("images/generations", {"prompt": "A lighthouse at dusk"}),
    "rerank": ("rerank", {"query": "What is a fox?", "documents": ["An animal.", "A small box."]}),
    "tts": ("audio/speech", {"input": "Hello.", "voice": "alloy"}),
    "moderation": ("moderations", {"input": "A friendly sentence."}),
    "realtime": ("realtime/client_secrets", {}),
}

_PYTHON: dict[str, str] = {
    "chat": """answer = client.chat.completions.create(
    model=MODEL,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)""",
    "completion": """answer = client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=32)
print(answer.choices[0].text)""",
    "embedding": """answer = client.embeddings.create(model=MODEL, input="The quick brown fox")
print(len(answer.data[0].embedding))""",
    "image": """answer = client.images.generate(model=MODEL, prompt="A lighthouse at dusk")
print(answer.data[0].url or "base64 data")""",
    "stt": """with open("speech.wav", "rb") as audio:
    print(client.audio.transcriptions.create(model=MODEL, file=audio).text)""",
    "tts": """with client.audio.speech.with_streaming_response.create(
    model=MODEL, input="Hello.", voice="alloy"
) as answer:
    answer.stream_to_file("speech.mp3")""",
    "moderation": """answer = client.moderations.create(model=MODEL, input="A friendly sentence.")
print(answer.results[0].flagged)""",
}
