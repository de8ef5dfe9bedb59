"""A typed key survives a rejected probe without ever appearing on a page.

It waits sealed in the database for fifteen minutes, for the person who typed it and for the origin (scheme,
host, port) it was typed for; the page holds only an id. Anyone who changes the origin types the key again: it
never goes to a server that its owner did not mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete

from app.config import settings
from app.practice import models
from app.probe.base_url import origin_of
from app.registry.credentials import held_key
from app.registry.form.fields import Input
from app.store import rotation
from app.store.base import db, new_id, now
from app.store.leases import HeldKey
from app.store.vault import is_reference

KEPT = timedelta(minutes=15)
PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class Held:
    """A key that need not be typed again: `until` is a time of day in UTC, "" for the practice endpoint's."""

    id: str
    origin: str
    until: str

    def fits(self, base_url: str) -> bool:
        """Whether the key may go to this base URL: the origin is the one that it was typed for."""
        return self.origin == origin(base_url)

    def key(self, base_url: str) -> str:
        """The key in clear; "" where it went away since it was found, or may not go to this base URL.

        VaultError where it can't be opened.
        """
        if self.id == PRACTICE:
            return models.KEY
        row = db.session.get(HeldKey, self.id)
        return held_key(row, base_url) if row and self.fits(base_url) else ""


def keep(field: Input, base_url: str, user_id: str, held: Held | None) -> Held | None:
    """What holds the key of a field for the next try: `held` does already, or nothing need be. May commit."""
    key = field.data
    if not key or field.errors or is_reference(key) or (held and held.key(base_url) == key):
        return held
    return hold(key, base_url, user_id)


def hold(key: str, base_url: str, user_id: str) -> Held:
    """Keep a key for a further try of the same person at the same origin. Commits."""
    db.session.execute(delete(HeldKey).where(HeldKey.expires <= now()))
    row = HeldKey(id=new_id(), user_id=user_id, origin=origin(base_url), expires=now() + KEPT)
    row.ciphertext = rotation.seal(key, row.place)
    db.session.add(row)
    db.session.commit()
    return _shown(row)


def find(held_id: str, user_id: str) -> Held | None:
    """What is kept under this id for this person, if it has not expired."""
    if held_id == PRACTICE:
        return practice()
    row = db.session.get(HeldKey, held_id) if held_id else None
    return _shown(row) if row is not None and row.user_id == user_id and row.expires > now() else None


def practice() -> Held | None:
    """The key of the practice endpoint, where that runs."""
    base_url = settings().practice_url
    return Held(PRACTICE, origin(base_url), "") if base_url else None


def drop(held_id: str) -> None:
    """Forget a key that is not needed any more. Commits."""
    db.session.execute(delete(HeldKey).where(HeldKey.id == held_id))
    db.session.commit()


def _shown(row: HeldKey) -> Held:
    return Held(row.id, row.origin, row.expires.strftime("%H:%M"))


def origin(base_url: str) -> str:
    """Of what may be no URL yet: it was typed into a form."""
    try:
        return origin_of(base_url)[:300]
    except (ValueError, KeyError):
        return ""
