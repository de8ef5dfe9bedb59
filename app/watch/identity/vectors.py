"""Embedding models: one text's vector is the same each time, but for the noise of how texts are batched.

So no statistics are needed: how far (1 - cosine) a vector lies from the first one is compared with how far
the first ones lay from it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

LEARNED = 24
"""Vectors that show the noise."""
IN_A_ROW = 3
_LEAST = 0.005
_BEYOND_NOISE = 2.0


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """1 - cosine of two vectors, 0 to 2; of different lengths, or of nothing, 1."""
    sizes = math.hypot(*one) * math.hypot(*other)
    if len(one) != len(other) or not sizes:
        return 1.0
    return max(0.0, 1 - sum(a * b for a, b in zip(one, other, strict=True)) / sizes)


def noise_of(learned: Sequence[float]) -> float:
    """How far the first vectors lay from the very first at most."""
    return max(learned, default=0.0)


def differs(distance: float, noise: float) -> bool:
    """Whether a vector lies farther out than noise explains."""
    return distance > max(_LEAST, _BEYOND_NOISE * noise)


def digest_of(vector: Sequence[float]) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a vector of length 1, its values to three decimals."""
    values = np.asarray(vector, float)
    size = float(np.linalg.norm(values)) or 1.0
    return hashlib.sha256(np.round(values / size * 1000).astype(">i2").tobytes()).hexdigest()[:12]
