"""The picture that shows whether a model sees: two plain colours, drawn at random, side by side."""

from __future__ import annotations

import base64
import random
import struct
import zlib

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "green": (0, 160, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 230, 0),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}
SIZE = 256
"""Pixels a side: some servers refuse pictures under 10 or 28 pixels (field report qwen-vl-image-min-10px)."""


def two_colours(rng: random.Random) -> tuple[str, str]:
    """Two different colours, left and right."""
    left, right = rng.sample(sorted(COLOURS), 2)
    return left, right


def data_url(left: str, right: str) -> str:
    """A PNG of SIZE by SIZE pixels as a base64 data URL, its halves plain."""
    return "data:image/png;base64," + base64.b64encode(_png(COLOURS[left], COLOURS[right])).decode()


def to_edit() -> bytes:
    """A PNG of SIZE by SIZE pixels, red on the left and transparent on the right: some edit only what is."""
    return _png((*COLOURS["red"], 255), (*COLOURS["white"], 0))


def _png(left: tuple[int, ...], right: tuple[int, ...]) -> bytes:
    """A PNG in two plain halves; colours of three parts, or of four with how opaque they are."""
    row = b"\x00" + bytes(left) * (SIZE // 2) + bytes(right) * (SIZE // 2)
    kind = 6 if len(left) == 4 else 2
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, kind, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(row * SIZE, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
