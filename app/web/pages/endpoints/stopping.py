"""One probe of many is cancelled by itself: from another request, which another process may answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import delete, select

from app.probe.transport.deadline import Cancellation
from app.store import database
from app.store.base import db, insert_new, now
from app.store.leases import StopMark

_EVERY_S = 0.4
_KEPT = timedelta(hours=1)
LONGEST = 36


def mark(batch: str, place: int, user_id: str) -> None:
    """Note that this person does not want this probe any more. Commits."""
    db.session.execute(delete(StopMark).where(StopMark.at <= now() - _KEPT))
    insert_new(StopMark, batch=batch, place=place, user_id=user_id, at=now())
    db.session.commit()


@contextmanager
def watching(batch: str, user_id: str, stops: Sequence[Cancellation]) -> Iterator[None]:
    """Within, what is marked gets set. A sending without a name can't be marked."""
    if not 0 < len(batch) <= LONGEST:
        yield
        return
    ended = threading.Event()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    _set_marked(batch, user_id, stops)
    thread = threading.Thread(target=_watch, args=(app, batch, user_id, stops, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(
    app: Flask, batch: str, user_id: str, stops: Sequence[Cancellation], ended: threading.Event
) -> None:
    while not ended.wait(_EVERY_S):
        # A database that is away for a moment may be back for the next turn.
        with suppress(*database.FAULTS), app.app_context():
            _set_marked(batch, user_id, stops)


def _set_marked(batch: str, user_id: str, stops: Sequence[Cancellation]) -> None:
    mine = select(StopMark.place).where(StopMark.batch == batch, StopMark.user_id == user_id)
    for place in db.session.scalars(mine):
        if 0 <= place < len(stops):
            stops[place].set()
