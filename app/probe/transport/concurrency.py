"""Bounds that all probes of the program share: calls at one origin, and large bodies in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from weakref import WeakValueDictionary

from app.probe.transport.deadline import Deadline
from app.probe.transport.failure import TransportError

_LARGE_BODIES = 4
# A turn counts for so many seconds: an endpoint that stops in the middle must not keep the others waiting.
_TURN_S = 2.0


class OriginGate:
    """Lets a number of calls at a time to one origin."""

    def __init__(self) -> None:
        self._inside = 0
        self._left = threading.Condition()

    def enter(self, at_once: int, deadline: Deadline) -> None:
        """Wait for a turn; raises Broken where the watch ends the wait."""
        with self._left:
            try:
                while self._inside >= at_once:
                    self._left.wait(deadline.pause())
                deadline.left()
            except TransportError:
                self._left.notify()  # the turn may have been this one's: pass it on
                raise
            self._inside += 1

    def leave(self) -> None:
        """Let the next one in."""
        with self._left:
            self._inside -= 1
            self._left.notify()


class LargeBodies:
    """Lets a number in at a time; who stays long is no longer counted."""

    def __init__(self, at_once: int, counted_s: float) -> None:
        self._at_once = at_once
        self._counted_s = counted_s
        self._begun: dict[object, float] = {}
        self._left = threading.Condition()

    def enter(self, deadline: Deadline) -> object:
        """Wait for a turn; what comes back is to be given to `leave`. Raises Broken as the watch does."""
        turn = object()
        with self._left:
            while wait_s := self._wait_s():
                self._left.wait(min(wait_s, deadline.pause()))
            self._begun[turn] = monotonic()
        return turn

    def leave(self, turn: object) -> None:
        """Let the next one in."""
        with self._left:
            del self._begun[turn]
            self._left.notify()

    def _wait_s(self) -> float:
        """Seconds until a turn ends at the latest; 0 where there is one now."""
        counted = [begun for begun in self._begun.values() if monotonic() - begun < self._counted_s]
        if len(counted) < self._at_once:
            return 0.0
        return max(0.001, min(counted) + self._counted_s - monotonic())


_gates: WeakValueDictionary[tuple[str, str, int], OriginGate] = WeakValueDictionary()
_gates_lock = threading.Lock()
_large_bodies = LargeBodies(_LARGE_BODIES, _TURN_S)


def gate_for(origin: tuple[str, str, int]) -> OriginGate:
    """The gate of an origin (scheme, host, port). It is forgotten as soon as nobody uses it."""
    with _gates_lock:
        return _gates.setdefault(origin, OriginGate())


@contextmanager
def large_body(deadline: Deadline) -> Iterator[None]:
    """A turn to hold a large body, so that many endless bodies at once do not fill the memory; raises Broken
    where the watch ends the wait."""
    turn = _large_bodies.enter(deadline)
    try:
        yield
    finally:
        _large_bodies.leave(turn)
