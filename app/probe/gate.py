"""Bounds that all probes of the program share: calls at one origin, and large bodies in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from app.probe.failure import Broken
from app.probe.watch import Watch

_LARGE_BODIES = 8
# A large body waits so long for its turn, in seconds, then goes on: slow endpoints must not starve others.
_PATIENCE = 2.0


class Gate:
    """Lets a number of calls at a time to one origin."""

    def __init__(self) -> None:
        self._inside = 0
        self._left = threading.Condition()

    def enter(self, at_once: int, watch: Watch) -> None:
        """Wait for a turn; raises Broken where the watch ends the wait."""
        with self._left:
            try:
                while self._inside >= at_once:
                    self._left.wait(watch.pause())
                watch.left()
            except Broken:
                self._left.notify()  # the turn may have been this one's: pass it on
                raise
            self._inside += 1

    def leave(self) -> None:
        """Let the next one in."""
        with self._left:
            self._inside -= 1
            self._left.notify()


_gates: WeakValueDictionary[tuple[str, str, int], Gate] = WeakValueDictionary()
_gates_lock = threading.Lock()
_large_bodies = threading.BoundedSemaphore(_LARGE_BODIES)


def gate_for(origin: tuple[str, str, int]) -> Gate:
    """The gate of an origin (scheme, host, port). It is forgotten as soon as nobody uses it."""
    with _gates_lock:
        return _gates.setdefault(origin, Gate())


@contextmanager
def large_body(watch: Watch) -> Iterator[None]:
    """A turn to hold a large body, so that many endless bodies at once do not fill the memory."""
    entered = _large_bodies.acquire(timeout=min(_PATIENCE, watch.left()))
    try:
        yield
    finally:
        if entered:
            _large_bodies.release()
