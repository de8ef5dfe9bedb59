"""A form with files, as multipart/form-data (RFC 7578), made on the spot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form. Its name and content type are plain ASCII."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """Named values (strings; anything else is written as JSON) and named files."""

    fields: Mapping[str, Any]
    files: Mapping[str, File]

    @property
    def shown(self) -> dict[str, Any]:
        """What is sent, by name; a file is its name after an `@`, as curl writes it."""
        return {**self.fields, **{name: f"@{file.name}" for name, file in self.files.items()}}

    @property
    def content_type(self) -> str:
        """The Content-Type header, which names the boundary."""
        return f"multipart/form-data; boundary={self._boundary}"

    @cached_property
    def body(self) -> bytes:
        """The form as it goes over the wire."""
        parts = [
            self._part(f'name="{_quoted(name)}"', "", _text(value)) for name, value in self.fields.items()
        ]
        for name, file in self.files.items():
            where = f'name="{_quoted(name)}"; filename="{_quoted(file.name)}"'
            parts.append(self._part(where, f"Content-Type: {file.content_type}\r\n", file.content))
        return b"".join(parts) + f"--{self._boundary}--\r\n".encode()

    @cached_property
    def _boundary(self) -> str:
        """The same for the same form; no content can hold it by chance."""
        digest = hashlib.sha256(repr(self.fields).encode())
        for file in self.files.values():
            digest.update(file.content)
        return f"muster-{digest.hexdigest()[:32]}"

    def _part(self, where: str, more: str, content: bytes) -> bytes:
        head = f"--{self._boundary}\r\nContent-Disposition: form-data; {where}\r\n{more}\r\n"
        return head.encode() + content + b"\r\n"


def _text(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _quoted(name: str) -> str:
    """A name between quotes, escaped as browsers do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
