"""Server-sent events as endpoints in the field write them."""

from __future__ import annotations

import json
from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_Line = tuple[int, bytes]


def events(body: bytes) -> Iterator[tuple[int, str]]:
    """The data of each event in a stream and where it ended, as (offset in bytes, text).

    Comments, other fields, CRLF, `data:` without a space and a last event without an empty line are all
    normal. Some servers leave the empty lines out: lines of data that are JSON each are events of their own.
    """
    lines: list[_Line] = []
    for end, line in _lines(body):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append((end, value.removeprefix(b" ")))
        elif not line and lines:
            yield from _joined(lines)
            lines = []
    if lines:
        yield from _joined(lines)


def _lines(body: bytes) -> Iterator[_Line]:
    end = len(_BOM) if body.startswith(_BOM) else 0
    for line in body[end:].splitlines(keepends=True):  # of bytes: at CR, LF and CRLF only
        end += len(line)
        yield end, line.rstrip(b"\r\n")


def _joined(lines: list[_Line]) -> Iterator[tuple[int, str]]:
    apart = len(lines) > 1 and all(_stands_alone(value) for _, value in lines)
    events = lines if apart else [(lines[-1][0], b"\n".join(value for _, value in lines))]
    for end, value in events:
        yield end, value.decode("utf-8", "replace")


def _stands_alone(value: bytes) -> bool:
    if value.strip() == b"[DONE]":
        return True
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False
