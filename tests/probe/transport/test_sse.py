"""Server-sent events in every spelling met in the field."""

from __future__ import annotations

import pytest

from app.probe.transport.sse import events

DELTA = '{"a":1}'


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', [DELTA, "[DONE]"]),
        (b'data:{"a":1}\n\n', [DELTA]),
        (b'data: {"a":1}\r\n\r\ndata: [DONE]\r\n\r\n', [DELTA, "[DONE]"]),
        (b'data: {"a":1}\r\rdata: [DONE]\r\r', [DELTA, "[DONE]"]),
        (b'\xef\xbb\xbfdata: {"a":1}\n\n', [DELTA]),
        (b'data: {"a":1}', [DELTA]),
        (b'data: {"a":1}\n', [DELTA]),
        (b': ping\n\n: OPENROUTER PROCESSING\n\ndata: {"a":1}\n\n', [DELTA]),
        (b'event: chunk\nid: 7\nretry: 3\ndata: {"a":1}\n\n', [DELTA]),
        (b'\n\n\ndata: {"a":1}\n\n\n\n', [DELTA]),
        (b"data: one\ndata: two\n\n", ["one\ntwo"]),
        (b'data: {"a":\ndata: 1}\n\n', ['{"a":\n1}']),
        (b'data: {"a":1}\ndata: {"a":1}\ndata: [DONE]\n', [DELTA, DELTA, "[DONE]"]),
        (b"data\n\n", [""]),
        (b"data:\n\n", [""]),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"data: caf\xc3\xa9\n\n", ["caf\u00e9"]),
        (b'{"data": 1}', []),
        (b'event: error\ndata: {"status":503}\n\n', ['{"error": {"status":503}}']),
        (b"event: error\ndata: boom\n\n", ['{"error": "boom"}']),
        (b"event: error\ndata:\n\n", ['{"error": "error"}']),
        (b'event: error\ndata: {"error":"x"}\n\n', ['{"error":"x"}']),
        (b'event: error\n\ndata: {"a":1}\n\n', [DELTA]),
        (b"", []),
        (b"<html>\ndataset: x\n", []),
    ],
)
def test_spellings(stream: bytes, expected: list[str]) -> None:
    assert [text for _, text in events(stream)] == expected


def test_an_error_nested_too_deep_is_still_one() -> None:
    deep = "[" * 100_000
    ((_, text),) = events(f"event: error\ndata: {deep}\n\n".encode())
    assert text == f'{{"error": "{deep}"}}'


def test_where_events_end() -> None:
    assert [end for end, _ in events(b"data: 1\n\ndata: 2\n\n")] == [8, 17]


def test_a_megabyte_of_events_is_read_quickly() -> None:
    assert len(list(events(b'data: {"a":1}\n\n' * 100_000))) == 100_000
    assert list(events(b"\r" * 300_000)) == []
