"""Wakes whoever waits on a socket when an Event is set.

An Event can't be waited for beside a socket, and hundreds of waiting calls that each look at it five times a
second cost more than the calls themselves. One thread looks at all events instead, and rings.
"""

from __future__ import annotations

import os
import threading
import weakref
from time import sleep

# How long a cancellation may go unnoticed, in seconds.
PAUSE = 0.1


class Bell:
    """Has a file descriptor that turns readable, and stays so, soon after `event` is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event
        self._reader, self._writer = os.pipe()
        weakref.finalize(self, _close, self._reader, self._writer)
        _ringer.add(self)

    def fileno(self) -> int:
        """What to poll for reading."""
        return self._reader

    def ring(self) -> None:
        """Make the descriptor readable."""
        os.write(self._writer, b"!")


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class _Ringer:
    """The thread that looks at the events; it ends where there are none."""

    def __init__(self) -> None:
        self._bells: weakref.WeakSet[Bell] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._runs = False

    def add(self, bell: Bell) -> None:
        with self._lock:
            self._bells.add(bell)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="muster-bell", daemon=True).start()

    def _run(self) -> None:
        while self._ring_or_end():
            sleep(PAUSE)

    def _ring_or_end(self) -> bool:
        with self._lock:
            for bell in [bell for bell in self._bells if bell.event.is_set()]:
                self._bells.discard(bell)
                bell.ring()
            self._runs = bool(self._bells)
            return self._runs


_ringer = _Ringer()
