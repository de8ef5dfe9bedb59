"""The watcher at work: its tasks, and a consumer that runs them in threads.

Each minute every worker's scheduler asks for a round; whose round comes second finds nothing left to claim.
"""

from __future__ import annotations

import logging
import random
import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Flask
from huey import Huey, crontab
from huey.consumer import Consumer

from app.config import Settings
from app.store import database
from app.store.base import new_id, now
from app.store.watch.counts import Counts
from app.watch import chores
from app.watch.due.claims import Claim, adopt_new, claim, release_lost, release_queued, spread_overdue
from app.watch.due.turns import Busy, Taken, Turns, Waiting, looks_at_once, take
from app.watch.looking import Seen, look_at
from app.watch.notices import sending
from app.watch.queue import make_queue, was_emptied
from app.watch.settling import settle, take_over_probed

log = logging.getLogger("muster.watch")
_BUSY_S, _BUSY_MOST_S = 1.0, 15.0
_HEARTBEAT_S = 5.0
_PACE: Mapping[str, Any] = {
    "periodic": True,
    "initial_delay": 0.05,
    "max_delay": 2,
    "backoff": 1.3,
    "shutdown_timeout": 3,
    "graceful_signal": "TERM",
}
"""How the threads ask the queue for tasks, and how they end."""


class Watcher:
    """A worker process: the queue, and what it does with the tasks in it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        chosen: Settings = app.config["MUSTER"]
        self.queue: Huey = make_queue(chosen)
        self.id = new_id()
        self.looks = 0
        self.counts = Counts()
        self.turns = Turns()
        self._later: Callable[..., Any] = self.queue.task(name="look")(self.look)
        self._deliver: Callable[..., Any] = self.queue.task(name="deliver")(self.deliver)
        self.queue.periodic_task(crontab(), name="round")(self.round)
        self.queue.periodic_task(crontab(), name="chores")(self.tend)

    def round(self) -> None:
        """Claim what is due within the next minute and a half, and queue it."""
        with self.app.app_context():
            release_lost(now())
            if was_emptied(self.queue):
                release_queued(now())
            adopt_new(now())
            self.enqueue(claim(now()))

    def look(self, model_pk: str, turn: int, waits: int = 0, endpoint_id: str = "") -> None:
        """One look, if the claim still holds. Where its endpoint is busy, it waits for a turn there.

        Where this worker alone keeps it as busy as may be, the database is not asked: what is late already
        must not cost more than what is not.
        """
        asked = Waiting(str(model_pk), int(turn), int(waits), str(endpoint_id))
        with self.app.app_context():
            if self.turns.wait(asked.endpoint_id, asked, behind=looks_at_once()):
                return
            taken = take(asked.model_pk, asked.turn, now(), self.id)
            if isinstance(taken, Busy):
                if not self.turns.wait(taken.endpoint_id, asked):
                    self._try_later(asked)
            elif taken:
                self._look_in_turn(taken)

    def _look_in_turn(self, taken: Taken) -> None:
        """A look, and those that waited for its turn."""
        endpoint_id = taken.endpoint_id
        self.turns.begin(endpoint_id)
        try:
            self._look(taken)
            while asked := self.turns.following(endpoint_id):
                after = take(asked.model_pk, asked.turn, now(), self.id)
                if isinstance(after, Busy):
                    self._try_later(asked)  # another worker was faster
                elif after:
                    self._look(after)
        except BaseException:
            self.turns.give_up(endpoint_id)
            raise

    def _look(self, taken: Taken) -> None:
        seen = look_at(taken, now())
        following = settle(taken, seen, now())
        self._count(taken, seen)
        self.enqueue(following)

    def _try_later(self, asked: Waiting) -> None:
        self._schedule("look", asked._replace(waits=asked.waits + 1), _busy_s(asked.waits))

    def deliver(self, id: str) -> None:
        """Send one message, if nobody else does."""
        with self.app.app_context():
            ended = sending.deliver(str(id), now())
        if ended:
            self.counts.add("deliveries", "", ended)

    def _count(self, taken: Taken, seen: Seen | None) -> None:
        self.looks += 1
        if seen is None:
            return
        self.counts.add("looks", taken.endpoint_id, f"{seen.kind}:{seen.look.result}")
        self.counts.observe("latency", taken.endpoint_id, seen.look.latency_ms)
        self.counts.observe("first_token", taken.endpoint_id, seen.first_token_ms)

    def tend(self) -> None:
        """What is to be done each minute: roll-ups, reminders, what is old."""
        with self.app.app_context():
            chores.tend(now())

    def enqueue(self, claims: Sequence[Claim]) -> None:
        """Put looks into the queue, each for its own moment."""
        moment = now()
        for one in claims:
            look = Waiting(one.model_pk, one.turn, endpoint_id=one.endpoint_id)
            self._schedule("look", look, (one.due - moment).total_seconds())

    def _queue_deliveries(self) -> None:
        for id in sending.claim_due(now()):
            self._schedule("deliver", (id,), 0)

    def _schedule(self, name: str, args: tuple[Any, ...], in_s: float) -> None:
        task = {"look": self._later, "deliver": self._deliver}[name]
        if in_s > 0:
            # Not `task.schedule`: that goes through the queue first, to a thread that finds it early.
            self.queue.add_schedule(task.s(*args, delay=in_s))  # type: ignore[attr-defined]  # huey has no types
        else:
            task(*args)

    def run(self, threads: int) -> None:
        """Work until a signal says to end. The looks under way end first, or are claimed again by others."""
        logging.getLogger("huey").setLevel(logging.WARNING)  # it tells of each task
        for sink in logging.getLogger("huey").handlers:
            sink.addFilter(_without_traceback_of_an_outage)
        stop, started = threading.Event(), now()
        with self.app.app_context():
            database.write_without_waiting_for_the_disk()
            spread_overdue(now())
        self._beat(threads, started)  # before its first look: whose worker nobody knows counts as lost
        self.round()
        beating = threading.Thread(target=self._keep_beating, args=(stop, threads, started), daemon=True)
        beating.start()
        try:
            Consumer(self.queue, workers=threads, **_PACE).run()
        finally:
            stop.set()
            with self.app.app_context():
                self.counts.write()

    def _keep_beating(self, stop: threading.Event, threads: int, started: datetime) -> None:
        while not stop.wait(_HEARTBEAT_S):
            try:
                self._keep_up(threads, started)
            except (*database.FAULTS, sqlite3.Error) as error:  # the latter of the queue's own file
                # A database that is away for a moment must not silence a worker that goes on looking.
                log.error("the heartbeat could not be written: %s", type(error).__name__)

    def _keep_up(self, threads: int, started: datetime) -> None:
        self._beat(threads, started)
        with self.app.app_context():
            self.counts.write()
            take_over_probed(now())
            self._queue_deliveries()
            lost = release_lost(now())
        if lost:
            log.warning("%s looks were lost with their worker and are made again", lost)
            self.round()

    def _beat(self, threads: int, started: datetime) -> None:
        with self.app.app_context():
            chores.beat(self.id, socket.gethostname(), threads, started, self.looks, now())


def _busy_s(waits: int) -> float:
    """Seconds until a look is tried again whose endpoint other workers keep busy: rarer each time, so that
    asking for turns does not become the work.
    """
    return min(_BUSY_S * 1.5**waits, _BUSY_MOST_S) * (0.5 + random.random())


def _without_traceback_of_an_outage(record: logging.LogRecord) -> bool:
    """A database that is gone is no defect: each thread that notices says so in one line."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and database.is_out_of_reach(error):
        record.exc_info = record.exc_text = None
        record.msg, record.args = f"{record.getMessage().rstrip('.')}: the database can't be reached", ()
    return True
