"""Pictures and sounds of the practice endpoint: really read, and made on the spot.

Only what a practice needs: PNG of 8 bits a channel, WAV headers, a silent MP3.
"""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Callable, Iterator

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (255, 0, 0),
    "green": (0, 160, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "orange": (255, 140, 0),
    "purple": (140, 0, 160),
    "grey": (128, 128, 128),
}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
MOST_PIXELS = 2048 * 2048


class NotAnImage(ValueError):
    """The bytes are no PNG that can be read here."""


def png(width: int, height: int, left: Colour, right: Colour | None = None) -> bytes:
    """A PNG whose left half and right half are plain colours."""
    half = width // 2
    row = b"\x00" + bytes(left) * half + bytes(right or left) * (width - half)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(row * height)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def halves(image: bytes) -> tuple[str, str]:
    """The names of the colours in the middle of the left and of the right half of a PNG."""
    width, rows, colour_at = _decoded(image)
    middle = rows[len(rows) // 2]
    return _named(colour_at(middle, width // 4)), _named(colour_at(middle, width - 1 - width // 4))


def _decoded(image: bytes) -> tuple[int, list[bytes], Callable[[bytes, int], Colour]]:
    chunks = list(_chunks(image))
    head = next((content for kind, content in chunks if kind == b"IHDR"), b"")
    if len(head) != 13:
        raise NotAnImage("no IHDR")
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    if depth != 8 or kind not in CHANNELS or interlaced or not 0 < width * height <= MOST_PIXELS:
        raise NotAnImage("a PNG of a kind that is not read here")
    step = CHANNELS[kind]
    try:
        packed = b"".join(content for name, content in chunks if name == b"IDAT")
        flat = zlib.decompressobj().decompress(packed, (width * step + 1) * height)
    except zlib.error as broken:
        raise NotAnImage("broken pixels") from broken
    palette = next((content for name, content in chunks if name == b"PLTE"), b"")

    def colour_at(row: bytes, x: int) -> Colour:
        spot = row[x * step : (x + 1) * step]
        if kind == 3:
            spot = palette[spot[0] * 3 : spot[0] * 3 + 3]
        return (spot[0], spot[1], spot[2]) if len(spot) >= 3 else (spot[0], spot[0], spot[0])

    return width, list(_rows(flat, width * step, step)), colour_at


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    if image[:8] != b"\x89PNG\r\n\x1a\n":
        raise NotAnImage("no PNG signature")
    at = 8
    while at + 8 <= len(image):
        length = int.from_bytes(image[at : at + 4], "big")
        yield image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        at += 12 + length


def _rows(flat: bytes, length: int, step: int) -> Iterator[bytes]:
    """The rows with PNG's line filters undone."""
    above = bytes(length)
    for start in range(0, len(flat) - length, length + 1):
        line = bytearray(flat[start + 1 : start + 1 + length])
        _unfilter(flat[start], line, above, step)
        above = bytes(line)
        yield above


def _unfilter(kind: int, line: bytearray, above: bytes, step: int) -> None:
    if kind == 0:
        return
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = {1: left, 2: above[i], 3: (left + above[i]) // 2, 4: _paeth(left, above[i], corner)}.get(kind)
        if guess is None:
            raise NotAnImage("an unknown line filter")
        line[i] = (line[i] + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))


def _named(colour: Colour) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(COLOURS[name], colour, strict=True))

    return min(COLOURS, key=distance)


def seconds_of_wav(sound: bytes) -> float | None:
    """How long a WAV plays, or None where the bytes are no WAV."""
    try:
        with wave.open(io.BytesIO(sound)) as opened:
            return float(opened.getnframes() / (opened.getframerate() or 1))
    except (wave.Error, EOFError):
        return None


def silent_wav(seconds: float = 0.2, rate: int = 8000) -> bytes:
    """A WAV of silence, 16 bits, one channel."""
    out = io.BytesIO()
    with wave.open(out, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(bytes(2 * int(seconds * rate)))
    return out.getvalue()


def silent_mp3(frames: int = 8) -> bytes:
    """An MP3 of silence: frames of MPEG-1 layer III, 128 kbit/s, 44.1 kHz, 417 bytes each."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * frames
