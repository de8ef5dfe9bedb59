"""What a probe asks an endpoint, before base URL and key come to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from app.probe.transport.websocket import SocketScript


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: a route under the base with a JSON body, a form, or a talk over a WebSocket."""

    route: str
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = field(default=None, repr=False)
    """Values by name; a file is a tuple of its name, its content and its content type."""
    script: SocketScript | None = None
    method: str = "POST"

    @property
    def sent(self) -> Mapping[str, Any]:
        """The fields sent, by name; a file is its name after an `@`, as curl writes it."""
        return {name: _curled(value) for name, value in self.form.items()} if self.form else self.body or {}

    def encoded_form(self) -> tuple[bytes | None, str | None]:
        """The form as it goes over the wire, and its content type; None, None without one."""
        if self.form is None:
            return None, None
        return encode_multipart_formdata({name: _text(value) for name, value in self.form.items()})


def _curled(value: Any) -> Any:
    return f"@{value[0]}" if isinstance(value, tuple) else value


def _text(value: Any) -> Any:
    """What is neither a file nor a text goes as JSON."""
    return value if isinstance(value, str | tuple) else json.dumps(value)
