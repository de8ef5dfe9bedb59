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
    Where only the name of an event says that it is an error, its data is given as one.
    """
    lines: list[_Line] = []
    named = b""
    for end, line in _lines(body):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append((end, value.removeprefix(b" ")))
        elif name == b"event":
            named = value.strip()
        elif not line:
            yield from _named(named, lines)
            lines, named = [], b""
    yield from _named(named, lines)


def _named(name: bytes, lines: list[_Line]) -> Iterator[tuple[int, str]]:
    for end, text in _joined(lines) if lines else ():
        yield end, _as_error(text) if name == b"error" else text


def _as_error(text: str) -> str:
    """The data of an `event: error`, with the word for it: many write only a message and a status there."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told, text = text, json.dumps(text)
    if isinstance(told, dict) and told.get("error"):
        return text
    return '{"error": ' + (text if told else '"error"') + "}"


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
