"""A key that comes in pieces is hidden, and everything else comes as it was sent."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from app.probe.reading.completion.live import KeylessText, Piece, Tap
from app.probe.reading.redaction import secrets_of
from app.probe.values import EndpointSettings

KEY = "sk-4f9c2a7be01d88aa63"
CODINGS = {
    "plain": KEY,
    "percent": "".join(f"%{ord(sign):02X}" for sign in KEY),
    "quoted": quote(KEY, safe=""),
    "json": "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "twice": "".join(f"\\\\u{ord(sign):04x}" for sign in KEY),
    "html": "".join(f"&#{ord(sign)};" for sign in KEY),
    "hex": KEY.encode().hex(),
    "HEX": KEY.encode().hex().upper(),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base32": base64.b32encode(KEY.encode()).decode(),
}


def streamed(text: str, size: int) -> list[str]:
    """What is shown of a text that comes in pieces of so many signs."""
    hold = KeylessText([KEY])
    shown = [hold.take(text[at : at + size]) for at in range(0, len(text), size)]
    return [*shown, hold.end()]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_key_in_pieces_is_hidden(coding: str, size: int) -> None:
    for text in (f"It is {CODINGS[coding]} then.", "x" * 900 + CODINGS[coding] + "/" + "y" * 900):
        shown = "".join(streamed(text, size))
        assert CODINGS[coding][2:-2] not in shown and "[key]" in shown


@pytest.mark.parametrize("text", ["Two words, then more.\n\n1. a list", "你好,世界。" * 40, "z" * 3000, ""])
def test_any_other_text_is_shown_whole(text: str) -> None:
    assert "".join(streamed(text, 4)) == text


def test_words_are_shown_as_they_come() -> None:
    assert streamed("one two three ", 4)[:2] == ["one ", "two "]
    assert streamed("你好世界", 1)[:4] == ["你", "好", "世", "界"]


def test_a_text_without_end_costs_little() -> None:
    hold = KeylessText(["sk-" + "a1b2c3d4" * 1000])
    began = time.thread_time()
    for _ in range(300):
        hold.take("a" * 1000)
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(
    ("field", "thinking"), [("content", False), ("text", False), ("reasoning", True), ("thinking", True)]
)
def test_no_secret_of_the_call_is_shown_while_the_answer_comes(field: str, thinking: bool) -> None:
    """Neither the key nor what a further header holds, though each comes in two events."""
    secret = "team-9f8e7d6c5b4a-42"
    settings = EndpointSettings(headers=(("X-Team", secret), ("X-Zone", "blue")))
    shown: list[Piece] = []
    tap, body = Tap(shown.append, secrets_of(KEY, settings)), b""
    for words in ("It is ", KEY[:9], KEY[9:], " of blue ", secret[:10], secret[10:]):
        body += f"data: {json.dumps({'choices': [{'delta': {field: words}}]})}\n\n".encode()
        tap(body)
    tap.end()
    assert "".join(piece.text for piece in shown) == "It is [key] of blue [key]"
    assert {piece.thinking for piece in shown} == {thinking}
