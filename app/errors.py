"""The one exception that becomes an answer: JSON of one shape for programs, a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.error_codes import status_of


class ApiError(Exception):
    """An answer that is an error. Raise it anywhere below a route; never put a key into it.

    The code's row in `app/error_codes.py` gives the status; `status` is for a rejected probe, which is
    always a 400, and for an HTTP error that has no row. `details` are further errors of the same request
    ({"field", "code", "message"} each), `suggestions` maps a field to values that would be accepted, `extra`
    are members that stand beside `error` in the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        details: Sequence[Mapping[str, Any]] = (),
        suggestions: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or status_of(code)
        self.field = field
        self.details = tuple(details)
        self.suggestions = suggestions
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
