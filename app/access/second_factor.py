"""The second factor of people: codes of an authenticator app (TOTP, RFC 6238), and recovery codes beside it.

The shared secret is encrypted with a key that is made from the secret of the sessions (MUSTER_SECRET_KEY), so
that the database alone is worth nothing; with another one, second factors have to be set up anew. Each code
is taken once, and recovery codes are kept as hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy import ColumnElement, delete, or_, update

from app.access import audit, sessions
from app.access.actors import AccessError, Actor
from app.config import settings
from app.store.accounts import RecoveryCode, User
from app.store.base import db

_STEP_S = 30
_STEPS_OFF = 1
"""So many steps a clock may be off, as RFC 6238 5.2 recommends."""
_RECOVERY_CODES = 10
WRONG = "This code does not fit. Take the one that the app shows now; the clock of the device must be right."


def is_required(user: User) -> bool:
    """Whether people of this role need a second factor (MUSTER_TOTP_ROLES).

    Who has no password signs in through the provider, and the second factor is the provider's.
    """
    return bool(user.password_hash) and user.role in settings().totp_roles


def is_missing(user: User) -> bool:
    """Whether this person must set up a second factor before anything else."""
    return is_required(user) and user.totp_secret is None


def new_secret() -> str:
    """A secret for an authenticator app, as base32: 160 bits."""
    return pyotp.random_base32()


def picture_of(secret: str, email: str) -> str:
    """The QR code that an app scans, as the address of an image that holds itself."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Muster")
    return segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="white")


def set_up(user: User, secret: str, code: str, actor: Actor, but: str = "") -> list[str]:
    """Give a person a second factor; gives their recovery codes, which nobody can show again. Commits.

    Their sessions, which began without it, end, but for the one with the id `but`. AccessError where the code
    is not one of this secret.
    """
    step = _step_of(secret, code)
    if step is None:
        raise AccessError(WRONG)
    user.totp_secret, user.totp_step = _sealed(secret, user.id), step
    codes = [_new_code() for _ in range(_RECOVERY_CODES)]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.session.add_all(RecoveryCode(user_id=user.id, digest=_digest(user.id, code)) for code in codes)
    sessions.end_all(user.id, but)
    audit.record(actor, "user.second_factor_set_up", subject=user.email)
    db.session.commit()
    return codes


def passes(user: User, code: str) -> bool:
    """Whether a code of the app, or a recovery code, is this person's; it is used up then.

    In the transaction at hand: the row is held until the caller commits, so no new password comes between.
    """
    same = (User.id == user.id) & (User.password_hash == user.password_hash) & User.active
    typed = "".join(code.split()).replace("-", "").lower()
    if typed.isascii() and typed.isdigit() and len(typed) == 6:
        return _passes_app(user, typed, same)
    used = (RecoveryCode.user_id == user.id) & (RecoveryCode.digest == _digest(user.id, typed))
    found = db.session.execute(delete(RecoveryCode).where(used).returning(RecoveryCode.id)).first()
    return found is not None and _held(same, user.totp_step)


def _passes_app(user: User, typed: str, same: ColumnElement[bool]) -> bool:
    step = _step_of(_opened(user), typed)
    if step is None:
        return False
    return _held(same & or_(User.totp_step.is_(None), User.totp_step < step), step)


def _held(condition: ColumnElement[bool], step: int | None) -> bool:
    changed = update(User).where(condition).values(totp_step=step).returning(User.id)
    return db.session.execute(changed).first() is not None


def remove(user: User, actor: Actor) -> None:
    """Take the second factor from a person, who signs in with the password alone until there is another.

    Commits.
    """
    user.totp_secret = user.totp_step = None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    audit.record(actor, "user.second_factor_removed", subject=user.email)
    db.session.commit()


def _step_of(secret: str, code: str) -> int | None:
    """The step of time whose code this is, None where it is of none that is near."""
    typed, now_step = code.strip().replace(" ", ""), int(time.time()) // _STEP_S
    made = pyotp.TOTP(secret)
    for step in range(now_step - _STEPS_OFF, now_step + _STEPS_OFF + 1):
        if hmac.compare_digest(made.generate_otp(step), typed.encode("ascii", "replace").decode()):
            return step
    return None


def _new_code() -> str:
    """A recovery code: 80 bits, in groups that are easy to copy by hand."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _digest(user_id: str, code: str) -> str:
    return hashlib.sha256(f"{user_id}:{code.replace('-', '')}".encode("utf-8", "replace")).hexdigest()


def _cipher() -> Fernet:
    secret = str(current_app.secret_key).encode()
    return Fernet(base64.urlsafe_b64encode(HKDF(SHA256(), 32, None, b"muster second factor").derive(secret)))


def _sealed(secret: str, user_id: str) -> bytes:
    return _cipher().encrypt(f"{user_id}:{secret}".encode())


def _opened(user: User) -> str:
    try:
        of, _, secret = _cipher().decrypt(user.totp_secret or b"").decode().partition(":")
    except InvalidToken:
        of = ""
    if of != user.id:
        raise AccessError("The second factor can't be read any more. An administrator can remove it.")
    return secret
