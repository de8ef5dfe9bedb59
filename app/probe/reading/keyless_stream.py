"""Taking the key out of a text that comes in pieces, which may end in the middle of a key."""

from __future__ import annotations

from app.probe.reading.redaction import without_key

_VISIBLE = "".join(map(chr, range(33, 127)))
_PER_CHARACTER = 12
"""Signs that one character of a key takes at most, coded twice over (`\\\\u0073`, `%2573`)."""
_AT_LEAST = 64


class KeylessText:
    """A text that grows. What may be the beginning of a key waits until more of it is there.

    That is the last run of visible ASCII: in prose the last word, in Chinese nothing.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._longest = max(_AT_LEAST, _PER_CHARACTER * len(key)) if key else 0
        self._waiting = ""

    def take(self, piece: str) -> str:
        """What may be shown now that this piece has come."""
        self._waiting += piece
        cut = len(self._waiting.rstrip(_VISIBLE))
        if len(self._waiting) - cut > 2 * self._longest:
            # Longer than any key: one that is whole goes now, one that is not begins within the rest.
            self._waiting = without_key(self._waiting, self._key)
            cut = max(0, len(self._waiting) - self._longest)
        shown, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return without_key(shown, self._key)

    def end(self) -> str:
        """The rest: nothing more comes."""
        shown, self._waiting = without_key(self._waiting, self._key), ""
        return shown
