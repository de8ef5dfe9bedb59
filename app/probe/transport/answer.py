"""A call and its answer as values."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.probe.transport import sse
from app.probe.transport.call import Call
from app.probe.transport.failure import Failure


@dataclass(frozen=True)
class Answer:
    """What came back, as much as came. `status` is None where no status line was received."""

    call: Call
    status: int | None
    headers: Mapping[str, str]
    """Lower-case names; repeated ones joined by a comma."""
    body: bytes = field(repr=False)
    """Decoded, at most `limits.body_bytes`; what came before a failure stays."""
    duration_ms: int
    first_byte_ms: int | None
    """To the first byte of the body; of the headers where there is no body."""
    arrivals: tuple[tuple[int, int], ...] = field(repr=False)
    """(milliseconds since the start, length of the body by then) for the pieces of the body."""
    failure: Failure | None
    """Set also beside a status, where the body broke off."""

    @property
    def ok(self) -> bool:
        """2xx (or 101, where a WebSocket was asked for), and nothing went wrong."""
        return self.failure is None and self.answered

    @property
    def answered(self) -> bool:
        """2xx or 101, even where the body broke off."""
        return self.status is not None and (200 <= self.status < 300 or self.status == 101)

    @cached_property
    def text(self) -> str:
        """The body as UTF-8 without a byte order mark; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8-sig", "replace")

    @cached_property
    def json(self) -> Any:
        """The body as JSON (NaN and Infinity are floats, as Python servers write them), else None.

        Gateways that hold a connection open write comments of a stream before a whole answer, and the end of
        one after it: neither makes it another.
        """
        text = self.text.strip(_BLANK)
        bare = _without_frame(text)
        return parsed(text) if bare is None else parsed(bare)

    @cached_property
    def events(self) -> list[tuple[int, str]]:
        """The server-sent events of the body, whatever its Content-Type: (ms of arrival, data)."""
        return [(self._arrived(end), text) for end, text in sse.events(self.body)]

    def _arrived(self, length: int) -> int:
        index = bisect_left(self.arrivals, length, key=lambda arrival: arrival[1])
        return self.arrivals[index][0] if index < len(self.arrivals) else self.duration_ms


_BLANK = "\ufeff\x00 \t\r\n"
_COMMENTS = re.compile(r"(?::[^\n]*\n\s*)+")


def _without_frame(text: str) -> str | None:
    """The JSON that stands between comments and the end of a stream; None where there are neither."""
    comments = _COMMENTS.match(text)
    start = comments.end() if comments else 0
    tail = text[-64:]
    bare = tail.removesuffix("[DONE]").rstrip().removesuffix("data:") if tail.endswith("[DONE]") else tail
    if not start and bare == tail or text[start : start + 1] not in ("{", "["):
        return None
    return text[start : len(text) - len(tail) + len(bare)].strip(_BLANK)


_LONGEST_INTEGER = 300


def parsed(text: str) -> Any | None:
    """`text` as JSON; None where it is none, or is nested deeper than can be read.

    A whole number that no float can hold is read as one (infinity): nobody after this must think of it.
    """
    try:
        return json.loads(text, parse_int=_number)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)
