"""A typed key survives a rejected probe without ever appearing on a page.

It waits sealed in the database for fifteen minutes, for the person who typed it and for the host it was
typed for; the page holds only an id. Anyone who changes the host types the key again: a key never goes to a
server that its owner did not mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete

from app.config import settings
from app.practice import models
from app.store import vault
from app.store.base import db, new_id, now
from app.store.leases import HeldKey

KEPT = timedelta(minutes=15)
PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class Held:
    """A key that need not be typed again: `until` is a time of day in UTC, "" for the practice endpoint's."""

    id: str
    host: str
    until: str

    def fits(self, base_url: str) -> bool:
        """Whether the key may go to this base URL: the host is the one that it was typed for."""
        return self.host == _host(base_url)

    def key(self) -> str:
        """The key in clear; "" where it went away since it was found. VaultError where it can't be opened."""
        if self.id == PRACTICE:
            return models.KEY
        row = db.session.get(HeldKey, self.id)
        return vault.open_(row.ciphertext, row.id) if row else ""


def hold(key: str, base_url: str, user_id: str) -> Held:
    """Keep a key for a further try of the same person at the same host. Commits."""
    db.session.execute(delete(HeldKey).where(HeldKey.expires <= now()))
    id = new_id()
    row = HeldKey(
        id=id, user_id=user_id, host=_host(base_url), ciphertext=vault.seal(key, id), expires=now() + KEPT
    )
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
    return Held(PRACTICE, _host(base_url), "") if base_url else None


def drop(held_id: str) -> None:
    """Forget a key that is not needed any more. Commits."""
    db.session.execute(delete(HeldKey).where(HeldKey.id == held_id))
    db.session.commit()


def _shown(row: HeldKey) -> Held:
    return Held(row.id, row.host, row.expires.strftime("%H:%M"))


def _host(base_url: str) -> str:
    try:
        return (urlsplit(base_url.strip()).hostname or "").lower()[:255]
    except ValueError:
        return ""
