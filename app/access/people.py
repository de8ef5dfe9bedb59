"""What is done to the people who sign in, and the rules that keep somebody in charge.

Each function commits, and writes the audit event with its change. `AccessError` says what can't be done, and
then nothing was changed. Sessions need no ending here: they hold only while the person is active and has the
password that they were begun with (`User.by_session`).
"""

from __future__ import annotations

import re
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.access import actors, audit
from app.access.actors import ROLES, AccessError, Actor
from app.store.accounts import Token, User
from app.store.base import db

hasher = PasswordHasher()


# --- people: users, roles, sessions ---------------------------------------------------------------------


def create_user(email: str, role: str, password: str) -> User:
    """A new user, added to the transaction at hand. AccessError is a sentence about what can't be taken."""
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", email) or not email.isprintable():
        raise AccessError(f"{email!r} is not an e-mail address.")
    if role not in ROLES:
        raise AccessError(f"Roles are {', '.join(ROLES)}; {role!r} is none.")
    if User.by_email(email) is not None:
        raise AccessError(f"There is a user {email} already.")
    user = User(email=email, role=role, password_hash=hash_password(password))
    db.session.add(user)
    return user


def hash_password(password: str) -> str:
    """The Argon2id hash of a password. AccessError where it is too short or absurdly long."""
    if not 10 <= len(password) <= 1024:
        raise AccessError("A password needs 10 to 1,024 characters.")
    return hasher.hash(password)


def new_password() -> str:
    """A password for a person to type: five groups of letters and digits that can't be mistaken, 125 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(5))


def has_password(user: User, password: str) -> bool:
    """Whether this is the user's password; as slow as signing in."""
    return verified(user.password_hash, password[:1025])


def verified(known_hash: str, password: str) -> bool:
    try:
        return hasher.verify(known_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def decoy() -> str:
    return hasher.hash(secrets.token_urlsafe(16))


def everybody() -> list[User]:
    """Every user in the order of their addresses."""
    return list(db.session.scalars(select(User).order_by(User.email)))


def valid_tokens(user: User) -> int:
    """How many tokens that are not revoked this person has made: they outlive the account."""
    mine = (Token.created_by == actors.user_actor(user).label) & Token.revoked.is_(None)
    return db.session.scalar(select(func.count()).select_from(Token).where(mine)) or 0


def add(email: str, role: str, password: str, actor: Actor) -> User:
    """A new user who can sign in at once."""
    user = create_user(email, role, password)
    audit.record(actor, "user.created", subject=user.email, detail={"role": role})
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AccessError(f"There is a user {email.strip().lower()} already.") from error
    return user


def set_role(id: str, role: str, actor: Actor) -> User:
    """Let a person do more or less; it holds from their next request on."""
    if role not in actors.ROLES:
        raise AccessError(f"Roles are {', '.join(actors.ROLES)}; {role!r} is none.")
    user = _locked(id, actor, but_admin=role == "admin")
    if user.role != role:
        detail = {"changes": {"role": [user.role, role]}}
        audit.record(actor, "user.changed", subject=user.email, detail=detail)
        user.role = role
    db.session.commit()
    return user


def set_active(id: str, actor: Actor, *, active: bool) -> User:
    """Let a person in, or keep them out from their next request on."""
    user = _locked(id, actor, but_admin=active)
    if user.active != active:
        action = "user.activated" if active else "user.deactivated"
        audit.record(actor, action, subject=user.email)
        user.active = active
    db.session.commit()
    return user


def set_password(user: User, password: str, actor: Actor) -> None:
    """Give a person another password; each of their sessions ends."""
    user.password_hash = hash_password(password)
    action = "user.password_changed" if actor.id == user.id else "user.password_reset"
    audit.record(actor, action, subject=user.email)
    db.session.commit()


def remove(id: str, actor: Actor) -> str:
    """Delete a person; gives their address. What they did stays in the audit log."""
    user = _locked(id, actor)
    email = user.email
    audit.record(actor, "user.deleted", subject=email, detail={"role": user.role})
    db.session.delete(user)
    db.session.commit()
    return email


def _locked(id: str, actor: Actor, *, but_admin: bool = False) -> User:
    """The person, with every administrator's row held until the transaction ends.

    Two administrators who demote each other at the same moment would leave none, so each change waits for
    the other and looks again. Rows are locked in one order, against deadlocks. SQLite has no FOR UPDATE:
    there the write that changes nothing takes the lock. `but_admin` says that an administrator stays one.
    """
    rows = select(User.id).where(or_(User.role == "admin", User.id == id)).order_by(User.id)
    db.session.execute(rows.with_for_update())
    db.session.execute(update(User).where(User.id == id).values(id=User.id))
    user = db.session.get(User, id, populate_existing=True)
    wrong = _wrong(user, actor, but_admin)
    if user is None or wrong:
        db.session.rollback()
        raise AccessError(wrong)
    return user


def _wrong(user: User | None, actor: Actor, but_admin: bool) -> str:
    """Why this person can't be changed by this actor, "" where they can."""
    if user is None:
        return "This person is not there any more: somebody has deleted them."
    if user.id == actor.id:
        return "You can't change your own role or shut yourself out; another administrator can."
    if not but_admin and _is_last_admin(user):
        return f"{user.email} is the last administrator who can sign in. Make another one first."
    return ""


def _is_last_admin(user: User) -> bool:
    others = select(func.count()).where(User.role == "admin", User.active.is_(True), User.id != user.id)
    return user.role == "admin" and user.active and not db.session.scalar(others)
