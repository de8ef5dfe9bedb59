"""Keyed digests: they tell equal secrets without opening any, and outlive a change of the key ring."""

from __future__ import annotations

import hashlib
import hmac
import os

from app.store import rotation, vault
from app.store.base import db, insert_new
from app.store.endpoints import DIGEST_PLACE, DigestSecret

_ID = 1


def digest(text: str) -> str:
    """HMAC-SHA256 of a text under this registry's own secret, in hex. VaultError without the key ring.

    The first one makes the secret, in the transaction at hand.
    """
    return hmac.new(_secret(), text.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    kept = db.session.get(DigestSecret, _ID)
    if kept is None:
        sealed = rotation.seal(os.urandom(32).hex(), DIGEST_PLACE)
        insert_new(DigestSecret, id=_ID, ciphertext=sealed)
        kept = db.session.get_one(DigestSecret, _ID)
    return bytes.fromhex(vault.open_(kept.ciphertext, DIGEST_PLACE))
