"""Looks of one worker that wait for a turn at their endpoint."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from typing import NamedTuple


class Waiting(NamedTuple):
    """A look that was claimed and could not begin yet; `waits` counts how often it was sent back."""

    model_pk: str
    turn: int
    waits: int = 0


class Turns:
    """Which endpoints this worker is asking, and the looks that follow there; its threads share it.

    So a turn is used as soon as it is free, and nobody has to ask for it again and again. What waits here
    is gone with its worker, as a look under way is, and is claimed again by others in the same way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Waiting]] = defaultdict(deque)

    def begin(self, endpoint_id: str) -> None:
        """One more thread is looking there, until `following` or `give_up` ends that."""
        with self._lock:
            self._asking[endpoint_id] += 1

    def wait(self, endpoint_id: str, look: Waiting) -> bool:
        """Keep a look for a thread that is looking there; False where none of this worker is."""
        with self._lock:
            if self._asking[endpoint_id]:
                self._waiting[endpoint_id].append(look)
            return self._asking[endpoint_id] > 0

    def following(self, endpoint_id: str) -> Waiting | None:
        """The look that waited longest there, for the thread whose own has ended; None ends its turn."""
        with self._lock:
            waiting = self._waiting[endpoint_id]
            if waiting:
                return waiting.popleft()
            self._end(endpoint_id)
            return None

    def give_up(self, endpoint_id: str) -> None:
        """End a turn without another look."""
        with self._lock:
            self._end(endpoint_id)

    def _end(self, endpoint_id: str) -> None:
        self._asking[endpoint_id] -= 1
        if not self._asking[endpoint_id]:
            del self._asking[endpoint_id]
            if not self._waiting[endpoint_id]:
                del self._waiting[endpoint_id]
