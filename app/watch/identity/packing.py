"""Top log-probabilities in a hundred bytes: what a model's samples are kept as.

A token is four bytes: twelve bits for its number in the model's table of tokens, twenty for its value in
steps of 0.0001 nats, which is what samples are rounded to. Twenty tokens are a hundred characters of base 85
(RFC 1924), which JSON takes as they are.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence

_VALUE_BITS = 20
_MOST_TOKENS = 1 << 12
_LARGEST = (1 << _VALUE_BITS) - 1
_STEPS = 10_000
"""Of one nat: values from 0 to -104.8575 fit; what lies lower is nothing that anybody could tell apart."""


def packed(top: Mapping[str, float], table: Sequence[str]) -> tuple[str, list[str]]:
    """Values by token as text, and the table of tokens with those that are new.

    A table that is full takes no further token. Samples lose those, which only an endpoint that makes tokens
    up comes to.
    """
    numbers = {token: number for number, token in enumerate(table)}
    for token in top:
        if token not in numbers and len(numbers) < _MOST_TOKENS:
            numbers[token] = len(numbers)
    codes = [
        numbers[token] << _VALUE_BITS | min(max(round(-value * _STEPS), 0), _LARGEST)
        for token, value in top.items()
        if token in numbers
    ]
    return base64.b85encode(struct.pack(f">{len(codes)}I", *codes)).decode(), list(numbers)


def unpacked(text: str, table: Sequence[str]) -> dict[str, float]:
    """Values by token, as they were when they were packed with this table or an earlier state of it."""
    raw = base64.b85decode(text)
    codes = struct.unpack(f">{len(raw) // 4}I", raw)
    return {table[code >> _VALUE_BITS]: -(code & _LARGEST) / _STEPS for code in codes}
