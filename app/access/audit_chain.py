"""Whether the audit log is whole: every event as it was written, none missing, none put in between.

The chain shows what was changed by somebody who did not write the rest anew. Against somebody who does, it
needs a witness: the lines that Muster sends on hold each digest, and `muster audit verify --knows` asks
whether a digest that was noted elsewhere is still part of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.store.audit_events import COLUMNS, START, AuditEvent, AuditHead, digest_of, facts_of
from app.store.base import db

_AT_ONCE = 1000


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
    place, digest, seen = 0, START, not knows
    for row in rows():
        wrong = _wrong(row, place, digest)
        if wrong:
            return Verdict(place, digest, wrong)
        place, digest = row.place, row.digest
        seen = seen or digest == knows
    wrong = _wrong_end(place, digest)
    if not wrong and not seen:
        wrong = "No event has the digest that was noted: the log was written anew, or is another one."
    return Verdict(place, digest, wrong)


def rows(after: int = 0) -> Iterator[Any]:
    """The events of the chain behind a place, in its order, read in batches."""
    while True:
        batch = select(*COLUMNS).where(AuditEvent.place > after).order_by(AuditEvent.place).limit(_AT_ONCE)
        found = db.session.execute(batch).all()
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1].place


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
