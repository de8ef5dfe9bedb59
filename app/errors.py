"""One shape for every error of the JSON side, one page for every error of the browser's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """An answer that is an error. Raise it anywhere below a route; never put a key into it.

    `details` are further errors of the same request ({"field", "code", "message"} each), `suggestions`
    maps a field to values that would do, `extra` are members that stand beside `error` in the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int,
        field: str | None = None,
        details: Sequence[Mapping[str, Any]] = (),
        suggestions: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.field = field
        self.details = tuple(details)
        self.suggestions = suggestions
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
