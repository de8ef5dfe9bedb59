"""API keys at rest: sealed with AES-256-GCM and bound to the row that they belong to.

A sealed key is: one byte for the format, four that name the encryption key, twelve of nonce, then the
ciphertext with its tag. The id of the row is authenticated with it, so a ciphertext that somebody moved
to another row does not open. The key ring holds the newest encryption key first; older ones only open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import func, select

from app.config import Settings, settings
from app.operator_error import OperatorError
from app.store.base import db
from app.store.leases import HeldKey
from app.store.models import RegisteredModel

_FORMAT = b"\x01"
_ENV = "env://"


class VaultError(OperatorError):
    """A key can't be sealed, opened or found; the text is one sentence without any part of a key."""


class Ring:
    """Encryption keys, newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise VaultError("An encryption key is missing or is not 32 bytes long.")
        self.keys = tuple(keys)
        self._by_name = {_name(key): AESGCM(key) for key in keys}

    def seal(self, plaintext: str, row_id: str) -> bytes:
        """The text, readable only with this ring and for this row."""
        nonce = os.urandom(12)
        name = _name(self.keys[0])
        return (
            _FORMAT + name + nonce + self._by_name[name].encrypt(nonce, plaintext.encode(), row_id.encode())
        )

    def open(self, ciphertext: bytes, row_id: str) -> str:
        """The text that was sealed for this row; VaultError where the key is gone or the row is another."""
        cipher = self._by_name.get(ciphertext[1:5])
        if ciphertext[:1] != _FORMAT or cipher is None:
            raise VaultError(
                "A stored API key was encrypted with a key that is not in the key ring any more."
            )
        try:
            return cipher.decrypt(ciphertext[5:17], ciphertext[17:], row_id.encode()).decode()
        except InvalidTag:
            # The cause would show the ciphertext's frames, and says no more than this.
            raise VaultError("A stored API key does not belong to this row, or was changed.") from None


def seal(plaintext: str, row_id: str) -> bytes:
    """Seal an API key for the row with this id, with the newest encryption key."""
    return ring().seal(plaintext, row_id)


def open_(ciphertext: bytes, row_id: str) -> str:
    """Open what `seal` made for the same row; VaultError otherwise."""
    return ring().open(ciphertext, row_id)


def is_reference(key: str) -> bool:
    """Whether a key is a reference to the server's environment (`env://NAME`) and not the key itself."""
    return key.startswith(_ENV)


def reference_name(reference: str) -> str:
    """NAME of `env://NAME`; VaultError where it may not be read."""
    name = reference.removeprefix(_ENV)
    prefix = settings().key_prefix
    if not re.fullmatch(r"[A-Z0-9_]{1,256}", name) or not name.startswith(prefix) or name == prefix:
        raise VaultError(
            f"Only environment variables whose name starts with {prefix} can be used as keys; "
            "after that only A to Z, 0 to 9 and _ may stand."
        )
    return name


def resolve(reference: str) -> str:
    """The value of `env://NAME`; VaultError where it may not be read, or is not set to anything."""
    name = reference_name(reference)
    if name not in os.environ:
        raise VaultError(f"The server's environment has no variable {name}.")
    if not os.environ[name].strip():
        raise VaultError(f"The variable {name} of the server's environment is empty.")
    return os.environ[name]


def key_of(model: RegisteredModel) -> str:
    """The API key of a registered model in clear, "" where it has none. VaultError as above."""
    if model.key_env:
        return resolve(_ENV + model.key_env)
    return open_(model.key_ciphertext, model.id) if model.key_ciphertext else ""


def ring() -> Ring:
    """The current application's key ring; read again when its file changed: rotation needs no restart."""
    chosen = settings()
    if chosen.encryption_keys:
        return _cached(("settings",), lambda: Ring([_decode(text) for text in chosen.encryption_keys]))
    path = ring_path(chosen)
    try:
        stat = path.stat()
    except OSError as error:
        raise VaultError(f"The key ring {path} can't be read ({error.strerror}).") from error
    return _cached((stat.st_mtime_ns, stat.st_ino), lambda: Ring(_read(path)))


def ring_path(chosen: Settings) -> Path:
    """Where the key ring is kept unless the settings hold it."""
    return chosen.instance / "keyring.json"


def ensure_ring(chosen: Settings) -> bool:
    """Make a key ring with one new key unless there is one; whether it was made."""
    path = ring_path(chosen)
    if chosen.encryption_keys or path.exists():
        return False
    _write(path, [os.urandom(32)])
    return True


def count_sealed() -> int:
    """How many registered models have a sealed key."""
    sealed = (
        select(func.count()).select_from(RegisteredModel).where(RegisteredModel.key_ciphertext.is_not(None))
    )
    return db.session.scalar(sealed) or 0


def rotate() -> int:
    """Encrypt every stored key again with the newest encryption key; gives how many there were.

    A ring in the instance folder gets a new key first, and loses those that nothing needed before. A ring
    in the settings is taken as it is: put the new key in front of the old ones, then rotate.
    """
    chosen = settings()
    if not chosen.encryption_keys:
        _write(ring_path(chosen), [os.urandom(32), *_needed(ring())])
    fresh = ring()
    count = 0
    for model in db.session.scalars(
        select(RegisteredModel).where(RegisteredModel.key_ciphertext.is_not(None))
    ):
        if model.key_ciphertext is not None:
            model.key_ciphertext = fresh.seal(fresh.open(model.key_ciphertext, model.id), model.id)
            count += 1
    for held in db.session.scalars(select(HeldKey)):
        held.ciphertext = fresh.seal(fresh.open(held.ciphertext, held.id), held.id)
    db.session.commit()
    return count


def _needed(old: Ring) -> list[bytes]:
    """The current key, and older ones that some row is still sealed with."""
    column = RegisteredModel.key_ciphertext
    used = {
        bytes(sealed[1:5])
        for sealed in db.session.scalars(select(column).where(column.is_not(None)))
        if sealed
    }
    used |= {bytes(sealed[1:5]) for sealed in db.session.scalars(select(HeldKey.ciphertext))}
    return [key for place, key in enumerate(old.keys) if place == 0 or _name(key) in used]


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"muster key name" + key).digest()[:4]


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise VaultError("An encryption key is not base64.") from None


def _read(path: Path) -> list[bytes]:
    try:
        return [_decode(text) for text in json.loads(path.read_text(encoding="utf-8"))["keys"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VaultError(f"The key ring {path} is not readable as one ({type(error).__name__}).") from None


def _write(path: Path, keys: Sequence[bytes]) -> None:
    """Replace the file in one step: a ring half written would lose every stored key."""
    try:
        _replace(path, json.dumps({"keys": [base64.b64encode(key).decode() for key in keys]}, indent=1))
    except OSError as error:
        raise VaultError(
            f"The key ring {path} can't be written ({error.strerror}). "
            "Fix the permissions of its folder, or set MUSTER_INSTANCE to another one."
        ) from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _cached(version: tuple[object, ...], make: Callable[[], Ring]) -> Ring:
    kept: tuple[tuple[object, ...], Ring] | None = current_app.extensions.get("muster_ring")
    if kept is None or kept[0] != version:
        kept = (version, make())
        current_app.extensions["muster_ring"] = kept
    return kept[1]
