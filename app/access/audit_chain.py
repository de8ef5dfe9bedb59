"""Whether the audit log is whole: every event as it was written, none missing, none put in between.

The chain shows what was changed by somebody who did not write the rest anew. Against somebody who does, it
needs a witness: the lines that Muster sends on hold each digest, and `muster audit verify --knows` asks
whether a digest that was noted elsewhere is still part of the log.

What is older than it is kept goes from the start of the chain, and an event of the chain says up to where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select

from app.access import audit
from app.access.actors import SYSTEM
from app.store import locks
from app.store.audit_events import COLUMNS, START, AuditEvent, AuditHead, digest_of, facts_of
from app.store.base import db

SHORTENED = "audit.shortened"
"""The action of an event that says up to which one the log was kept no longer."""
_AT_ONCE = 1000
_A_DAY = timedelta(days=1)


class Start(NamedTuple):
    """The event that the first one of the log follows."""

    place: int
    digest: str


_WHOLE = Start(0, START)
_FIRST = (
    select(AuditEvent.place, AuditEvent.previous)
    .where(AuditEvent.place.is_not(None))  # else of an older program, and not in the chain yet
    .order_by(AuditEvent.place)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events the chain has and how it ends; `wrong` is a sentence about the first break, "" if
    none.
    """

    events: int
    digest: str
    wrong: str = ""


def verify(knows: str = "") -> Verdict:
    """Follow the chain from its start; `knows` is a digest that must be among those of its events."""
    start = _start()
    found = _followed(start, knows)
    return found if _start() == start else verify(knows)  # it was shortened meanwhile


def _followed(start: Start, knows: str) -> Verdict:
    place, digest = start
    seen, vouched = knows in ("", digest), start == _WHOLE
    for row in rows():
        wrong = _wrong(row, place, digest)
        if wrong:
            return Verdict(place - start.place, digest, wrong)
        place, digest = row.place, row.digest
        seen = seen or digest == knows
        vouched = vouched or (row.action == SHORTENED and row.detail == start._asdict())
    wrong = _wrong_end(place, digest)
    if not wrong and not vouched:
        wrong = f"The event at place 1 is missing: the next one is at {start.place + 1}."
    if not wrong and not seen:
        wrong = (
            "No event has the digest that was noted: the log was written anew, is another one, or keeps "
            "events of that time no longer (MUSTER_AUDIT_DAYS)."
        )
    return Verdict(place - start.place, digest, wrong)


def shorten(before: datetime) -> int:
    """Delete the events at the start of the chain that are older than this; gives how many. Commits.

    An event says so, and which was the last of them. Nothing is done for less than a day's events, so that
    there is one such event a day at most.
    """
    with locks.exclusive("audit"):
        start, oldest = _start(), db.session.scalar(_FIRST.with_only_columns(AuditEvent.at))
        if oldest is None or oldest >= before - _A_DAY:
            db.session.rollback()
            return 0
        first_kept = db.session.scalar(select(func.min(AuditEvent.place)).where(AuditEvent.at >= before))
        old = AuditEvent.place < first_kept if first_kept else AuditEvent.place.is_not(None)
        newest = select(AuditEvent.place, AuditEvent.digest).where(old).order_by(AuditEvent.place.desc())
        found = db.session.execute(newest.limit(1)).one()
        gone = delete(AuditEvent).where(AuditEvent.place <= found.place)
        db.session.execute(gone.execution_options(synchronize_session=False))
        audit.record(SYSTEM, SHORTENED, detail=Start(found.place, found.digest)._asdict())
        db.session.commit()
    return int(found.place - start.place)


def rows(after: int = 0) -> Iterator[Any]:
    """The events of the chain behind a place, in its order, read in batches."""
    while True:
        batch = select(*COLUMNS).where(AuditEvent.place > after).order_by(AuditEvent.place).limit(_AT_ONCE)
        found = db.session.execute(batch).all()
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1].place


def _start() -> Start:
    """What the first event that is there follows."""
    found = db.session.execute(_FIRST).first()
    return Start(found.place - 1, found.previous) if found else _WHOLE


def _wrong(row: Any, place: int, digest: str) -> str:
    if row.place != place + 1:
        return f"The event at place {place + 1} is missing: the next one is at {row.place}."
    if row.previous != digest:
        return f"The event at place {row.place} does not follow the one before it ({row.action}, {row.id})."
    if row.digest != digest_of(facts_of(row)):
        return f"The event at place {row.place} is not as it was written ({row.action}, {row.id})."
    return ""


def _wrong_end(place: int, digest: str) -> str:
    # Read after the events: one that came meanwhile has moved the end on, and is not missing.
    head = db.session.execute(select(AuditHead.place, AuditHead.digest)).first()
    if head is None or head.place < place or (head.place == place and head.digest != digest):
        return "What is noted of the end of the log does not fit its last event."
    newest = db.session.scalar(select(func.max(AuditEvent.place))) or 0
    return f"Events at the end are missing: there were {head.place}." if newest < head.place else ""
