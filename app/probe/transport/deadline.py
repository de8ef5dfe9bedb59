"""The clock of one call, and a socket that obeys it.

Every wait of a call goes through its `Watch`, so that a limit or a cancellation ends the call wherever it
stands: resolving, connecting, in the TLS handshake, sending, or between two bytes of an answer.
"""

from __future__ import annotations

import os
import select
import socket
from time import monotonic

from app.probe.transport.failure import TransportError

# How long a cancellation may go unnoticed where a thread waits for another, in seconds.
_PAUSE = 0.1


class Cancellation:
    """The caller's word that it wants no more: set once, by any thread, and for good.

    An Event can't be waited for beside a socket; this owns a pipe that turns readable. It takes no lock, so
    that the garbage collector may set it on any thread. One with a parent is set together with that, and can
    be set alone.
    """

    _pipe: tuple[int, int] | None = None

    def __init__(self, parent: Cancellation | None = None) -> None:
        self._parent = parent
        self._is_set = False
        self._pipe = self._reader, self._writer = os.pipe()

    def __del__(self) -> None:
        # The collector may close a generator after this, which then sets what has no pipe any more.
        self._is_set = True
        for descriptor in self._pipe or ():
            os.close(descriptor)

    def set(self) -> None:
        """Wake every thread that waits, and let none wait any more."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        """Whether this or its parent was set."""
        return self._is_set or (self._parent is not None and self._parent.is_set())

    def wait(self, seconds: float) -> None:
        """Return once it is set, or after so long."""
        poll = select.poll()
        self.register(poll)
        poll.poll(seconds * 1000)

    def register(self, poll: select.poll) -> None:
        """Have `poll` return once this is set."""
        poll.register(self._reader, select.POLLIN)
        if self._parent is not None:
            self._parent.register(poll)


class Deadline:
    """The bounds of one call: an end, the bound of the step it is in, and the word of the caller to stop.

    `end` is on the monotonic clock; `cancelled` is set where the caller wants no more. `header_bytes` bounds
    the head of the answer, `wire_bytes` all of it.
    """

    def __init__(
        self,
        end: float,
        cancelled: Cancellation | None = None,
        header_bytes: int = 2**18,
        wire_bytes: int = 2**24,
    ) -> None:
        self.end = end
        self._cancelled = cancelled
        self.header_bytes = header_bytes
        self.wire_bytes = wire_bytes
        self.started = monotonic()
        self._step_end = end
        self._words = ""
        self._within = ""

    def step(self, seconds: float, words: str, of: float | None = None) -> None:
        """From now on the call has this long for what it does; `words` say what was missed if it has not.

        They get the limit that applies at their end: `of` where the step is a part of a longer one, and less
        where the whole call ends earlier.
        """
        moment = monotonic()
        self._step_end = min(self.end, moment + seconds)
        applied = min(of or seconds, max(self.end - moment, 0.1))
        self._within = f" within {float(f'{applied:.2g}'):g} s"
        self.reword(words)

    def reword(self, words: str) -> None:
        """The step goes on, with other words for what was missed; the limit is added to them."""
        self._words = words + self._within

    def last_step(self, words: str) -> None:
        """From now on only the end of the call counts."""
        self._step_end = self.end
        self._words = words

    def left(self) -> float:
        """Seconds until the step ends; raises Broken where none is left or the caller wants no more."""
        if self._cancelled is not None and self._cancelled.is_set():
            raise TransportError("cancelled", "the probe was cancelled")
        left = self._step_end - monotonic()
        if left <= 0:
            raise TransportError("timeout", self._words)
        return left

    def pause(self) -> float:
        """How long to sleep at most, where no socket is waited for, before `left` is asked again."""
        left = self.left()
        return left if self._cancelled is None else min(left, _PAUSE)

    def ms(self) -> int:
        """Milliseconds since the call started."""
        return round((monotonic() - self.started) * 1000)

    def wait_to_read(self, sock: socket.socket) -> None:
        """Return as soon as the socket has bytes, or its end."""
        self._wait(sock, select.POLLIN)

    def wait_to_write(self, sock: socket.socket) -> None:
        """Return as soon as the socket takes bytes."""
        self._wait(sock, select.POLLOUT)

    def _wait(self, sock: socket.socket, what: int) -> None:
        poll = select.poll()
        poll.register(sock, what)
        if self._cancelled is not None:
            self._cancelled.register(poll)
        while all(ready != sock.fileno() for ready, _ in poll.poll(self.left() * 1000)):
            self.left()
