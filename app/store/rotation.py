"""Sealing what is stored, telling equal secrets by a digest, and sealing all anew with a new key."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select, update

from app.config import settings
from app.store import locks, vault
from app.store.base import Base, db, insert_new
from app.store.endpoints import DIGEST_PLACE, DigestSecret, Endpoint, EndpointHeader
from app.store.leases import HeldKey
from app.store.watch.channels import Channel

LOCK = "keys"
_ID = 1
_PASSES = 20
_PAUSE_S = 0.1

log = logging.getLogger("muster.keys")


class Sealed(NamedTuple):
    """A sealed value: the column it stands in, the primary key of its row, and the place it is bound to."""

    table: type[Base]
    column: str
    row: Mapping[str, Any]
    place: str
    ciphertext: bytes


_SECRETS = {"key_ciphertext": "key", "client_certificate": "client_certificate", "proxy_ciphertext": "proxy"}
"""The sealed columns of an endpoint, and the field that each is bound to."""


def count_sealed() -> int:
    """How many stored secrets there are, but for those that live for minutes."""
    return sum(1 for each in sealed_values() if each.table is not HeldKey)


def sealed_values() -> Iterator[Sealed]:
    """Every sealed value of the database. Whoever seals something new adds it here."""
    for secret in db.session.scalars(select(DigestSecret)):
        yield Sealed(DigestSecret, "ciphertext", {"id": secret.id}, DIGEST_PLACE, secret.ciphertext)
    for endpoint in db.session.scalars(select(Endpoint)):
        for column, field in _SECRETS.items():
            if sealed := getattr(endpoint, column):
                yield Sealed(Endpoint, column, {"id": endpoint.id}, endpoint.place_of(field), sealed)
        for header in endpoint.headers:
            row = {"endpoint_id": endpoint.id, "name": header.name}
            place = endpoint.place_of(f"header {header.name}")
            yield Sealed(EndpointHeader, "ciphertext", row, place, header.ciphertext)
    for channel in db.session.scalars(select(Channel)):
        for column, field in (("url_ciphertext", "url"), ("secret_ciphertext", "secret")):
            if sealed := getattr(channel, column):
                yield Sealed(Channel, column, {"id": channel.id}, channel.place_of(field), sealed)
    for held in db.session.scalars(select(HeldKey)):
        yield Sealed(HeldKey, "ciphertext", {"id": held.id}, held.place, held.ciphertext)


def seal(plaintext: str, place: str) -> bytes:
    """Seal a secret that the transaction at hand will store: no rotation begins before that has ended."""
    locks.keep_out(LOCK)
    return vault.seal(plaintext, place)


def rotate() -> int:
    """Seal every stored secret anew with the newest encryption key; how many keys of endpoints there were.

    A ring in the instance folder gets a new key first, and loses those that nothing is sealed with any more;
    the one that was the newest stays for one rotation, for whoever has just read what it sealed. A ring in
    the settings is taken as it is: put the new key in front of the old ones, then rotate. Commits.
    """
    db.session.rollback()
    left = _pass(new_key=not settings().encryption_keys)
    for _ in range(_PASSES):
        if not left:
            break
        time.sleep(_PAUSE_S)
        left = _pass(new_key=False)
    keys = select(func.count()).select_from(Endpoint)
    keys = keys.where(Endpoint.key_ciphertext.is_not(None), Endpoint.key_env.is_(None))
    return db.session.scalar(keys) or 0


def _pass(*, new_key: bool) -> int:
    """Seal anew what nobody is writing at the moment; how many rows were left out for that. Commits.

    Nothing is waited for in here: whoever holds a row may be waiting for this to end, to seal something.
    """
    path = vault.ring_path(settings())
    with locks.exclusive(LOCK):
        locks.take_the_pen()
        if new_key:
            vault.write_ring(path, [os.urandom(32), *_needed(vault.ring())])
        left = sum(not _reseal(vault.ring(), each) for each in list(sealed_values()))
        db.session.commit()
    return left


def _reseal(fresh: vault.Ring, each: Sealed) -> bool:
    """Change the row where it still holds what was read; False where somebody else holds the row.

    What does not open stays as it is.
    """
    if each.ciphertext[1:5] == vault.name_of(fresh.keys[0]):
        return True
    mine = [getattr(each.table, name) == value for name, value in each.row.items()]
    free = select(getattr(each.table, each.column)).where(*mine).with_for_update(skip_locked=True)
    if db.session.execute(free).first() is None:
        return False
    try:
        sealed = fresh.seal(fresh.open(each.ciphertext, each.place), each.place)
    except vault.VaultError as error:
        log.warning("%s %s: %s", each.table.__tablename__, dict(each.row), error)
        return True
    unchanged = getattr(each.table, each.column) == each.ciphertext
    db.session.execute(update(each.table).where(*mine, unchanged).values({each.column: sealed}))
    return True


def _needed(old: vault.Ring) -> list[bytes]:
    """The current key, and older ones that some row is still sealed with."""
    used = {bytes(each.ciphertext[1:5]) for each in sealed_values()}
    return [key for place, key in enumerate(old.keys) if place == 0 or vault.name_of(key) in used]


def digest(text: str) -> str:
    """HMAC-SHA256 of a text under this registry's own secret, in hex. VaultError without the key ring.

    The first one makes the secret, in the transaction at hand.
    """
    return hmac.new(_secret(), text.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    kept = db.session.get(DigestSecret, _ID)
    if kept is None:
        sealed = seal(os.urandom(32).hex(), DIGEST_PLACE)
        insert_new(DigestSecret, id=_ID, ciphertext=sealed)
        kept = db.session.get_one(DigestSecret, _ID)
    return bytes.fromhex(vault.open_(kept.ciphertext, DIGEST_PLACE))
