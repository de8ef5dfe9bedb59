"""The sound that a transcriber is asked to hear: one tone in each of the formats that servers take.

The WAV is made on the spot. The other files hold the same tone, since writing them takes an encoder that
nothing else here needs.
"""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import lru_cache
from importlib import resources

SECONDS = 1.5
"""Below 1 s some servers hear nothing, below 0.1 s some refuse (field reports whispercpp-under-1s-empty,
openai-stt-min-0.1s)."""
RATE = 16_000
FORMATS = ("wav", "mp3", "ogg", "flac")
"""In the order in which they are tried; the Ogg file holds Opus."""
LONGER = len(FORMATS)
"""After them: a WAV of `LONGER_S` seconds, for a server that calls the usual one too short."""
LONGER_S = 6.0
_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg", "flac": "audio/flac"}


def file_of(form: int) -> tuple[str, bytes, str]:
    """The sound as a part of a form: its name, its content and its content type; `form` counts FORMATS."""
    if form == LONGER:
        return "longer.wav", sound(LONGER_S), _TYPES["wav"]
    name = FORMATS[form]
    return f"sound.{name}", sound() if name == "wav" else _recorded(name), _TYPES[name]


@lru_cache(maxsize=2)
def sound(seconds: float = SECONDS) -> bytes:
    """A WAV of 16 kHz, one channel, 16 bits: a soft tone that swells and fades."""
    count = int(seconds * RATE)
    samples = (
        int(6000 * math.sin(math.pi * at / count) * math.sin(2 * math.pi * 330 * at / RATE))
        for at in range(count)
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(RATE)
        opened.writeframes(struct.pack(f"<{count}h", *samples))
    return out.getvalue()


@lru_cache
def _recorded(name: str) -> bytes:
    return resources.files(__package__).joinpath("sounds", f"tone.{name}").read_bytes()
