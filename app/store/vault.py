"""Secrets at rest: sealed with AES-256-GCM and bound to the place that they belong to.

A sealed value is: one byte for the format, four that name the encryption key, twelve of nonce, then the
ciphertext with its tag. Its place is authenticated with it: table, row, field and the origin that the value
is for. So a ciphertext that somebody moved elsewhere does not open, and neither does one whose endpoint was
given another address. The key ring holds the newest encryption key first; older ones only open.
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

from app.config import Settings, settings
from app.operator_error import OperatorError

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
        self._by_name = {name_of(key): AESGCM(key) for key in keys}

    def seal(self, plaintext: str, at: str) -> bytes:
        """The text, readable only with this ring and for this place."""
        nonce = os.urandom(12)
        name = name_of(self.keys[0])
        return _FORMAT + name + nonce + self._by_name[name].encrypt(nonce, plaintext.encode(), at.encode())

    def open(self, ciphertext: bytes, at: str) -> str:
        """The text that was sealed for this place; VaultError where the key is gone or the place another."""
        cipher = self._by_name.get(ciphertext[1:5])
        if ciphertext[:1] != _FORMAT or cipher is None:
            raise VaultError(
                "A stored API key was encrypted with a key that is not in the key ring any more."
            )
        try:
            return cipher.decrypt(ciphertext[5:17], ciphertext[17:], at.encode()).decode()
        except InvalidTag:
            # The cause would show the ciphertext's frames, and says no more than this.
            words = "A stored API key does not belong to this row at this address, or was changed."
            raise VaultError(words) from None


def place(table: str, row: str, field: str, origin: str) -> str:
    """Where a sealed value belongs. `origin` is the only server that it may go to, "" for none."""
    return "\0".join((table, row, field, origin))


def seal(plaintext: str, at: str) -> bytes:
    """Seal a secret for a place, with the newest encryption key."""
    return ring().seal(plaintext, at)


def open_(ciphertext: bytes, at: str) -> str:
    """Open what `seal` made for the same place; VaultError otherwise."""
    return ring().open(ciphertext, at)


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


def ring() -> Ring:
    """The current application's key ring; read again when its file changed: rotation needs no restart."""
    chosen = settings()
    if chosen.encryption_keys:
        return _cached(("settings",), lambda: Ring([_decode(text) for text in chosen.encryption_keys]))
    path = ring_path(chosen)
    try:
        stat = path.stat()
    except FileNotFoundError as error:
        raise VaultError(
            f"There is no key ring at {path}. Where keys are stored already, restore it from a backup; else "
            "muster serve makes it."
        ) from error
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
    write_ring(path, [os.urandom(32)])
    return True


def name_of(key: bytes) -> bytes:
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


def write_ring(path: Path, keys: Sequence[bytes]) -> None:
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
