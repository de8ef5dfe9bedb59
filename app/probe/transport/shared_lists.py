"""One endpoint's list of models for many probes at once: asked once, read by all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace

from app.probe.transport.answer import Answer
from app.probe.transport.deadline import Cancellation
from app.probe.values import Target

_PAUSE_S = 0.1
"""How long a cancellation may go unnoticed by a probe that waits for what another one asks."""


class SharedLists:
    """What the probes of one run share; thread safe. It is to be forgotten with the run.

    An answer is found by all that was sent but the model's id: what one key was told is never another's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Target, Future[Answer | None]] = {}

    def read(
        self, endpoint: Target, ask: Callable[[], Answer], cancelled: Cancellation, until: float
    ) -> Answer:
        """What the endpoint's list answered: by `ask`, or by that of another probe that asked before.

        What tells of the moment only (no whole answer, 429, 5xx) is nobody else's. `until` is monotonic.
        """
        whom = replace(endpoint, model_id="")
        with self._lock:
            before = self._asked.get(whom)
            if before is None:
                mine = self._asked[whom] = Future()
        if before is None:
            return self._asked_first(whom, ask, mine)
        while not before.done() and not cancelled.is_set() and time.monotonic() < until:
            wait((before,), _PAUSE_S)
        return (before.result() if before.done() else None) or ask()

    def _asked_first(self, whom: Target, ask: Callable[[], Answer], mine: Future[Answer | None]) -> Answer:
        lasting: Answer | None = None
        try:
            answer = ask()
            lasting = answer if _lasts(answer) else None
        finally:
            if lasting is None:
                with self._lock:
                    del self._asked[whom]  # the next one asks for itself
            mine.set_result(lasting)
        return answer


def _lasts(answer: Answer) -> bool:
    return (
        answer.failure is None and answer.status is not None and answer.status < 500 and answer.status != 429
    )
