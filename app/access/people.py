"""What is done to the people who sign in, and the rules that keep somebody in charge.

Each function commits, and writes the audit event with its change. `AccessError` says what can't be done, and
then nothing was changed. Another role holds with the next request; a new password and being shut out end
every session, and tokens hold only while their maker is let in.
"""

from __future__ import annotations

import re

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.access import actors, audit, passwords, sessions, signin_limits
from app.access.actors import ROLES, AccessError, Actor
from app.store.accounts import RecoveryCode, Token, User
from app.store.base import db, now


def create_user(email: str, role: str, password: str | None) -> User:
    """A new user, added to the transaction at hand. AccessError is a sentence about what can't be taken.

    Without a password they can sign in through the provider alone.
    """
    email = email.strip().lower()
    if not is_address(email):
        raise AccessError(f"{email!r} is not an e-mail address.")
    if role not in ROLES:
        raise AccessError(f"Roles are {', '.join(ROLES)}; {role!r} is none.")
    if User.by_email(email) is not None:
        raise AccessError(f"There is a user {email} already.")
    kept = "" if password is None else passwords.hashed(password, email)
    user = User(email=email, role=role, password_hash=kept)
    db.session.add(user)
    return user


def is_address(email: str) -> bool:
    """Whether a text can be somebody's address here: of one line, printable, no longer than addresses get."""
    return re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", email) is not None and email.isprintable()


def with_password(email: str, password: str) -> User | None:
    """The person with this password who is let in; None where there is none.

    An unknown address costs the same time as a wrong password, so that addresses can't be told apart. The
    row is held until the caller commits, so that a new password can't come between this and the session.
    """
    user = User.by_email(email)
    known_hash = (user.password_hash if user is not None else "") or passwords.decoy()
    if not passwords.fits(known_hash, password) or user is None:
        return None
    renewed = update(User).values(password_hash=passwords.renewed(known_hash, password))
    still = (User.id == user.id) & (User.password_hash == known_hash) & User.active
    held = db.session.execute(renewed.where(still).returning(User.id)).first()
    if held is None:
        db.session.rollback()  # the row of nobody would be held else
        return None
    return user


def has_password(user: User, password: str) -> bool:
    """Whether this is the user's password; as slow as signing in."""
    return passwords.fits(user.password_hash, password)


def everybody() -> list[User]:
    """Every user in the order of their addresses."""
    return list(db.session.scalars(select(User).order_by(User.email)))


def valid_tokens(user: User) -> int:
    """How many tokens of this person hold: they end with the account."""
    holds = Token.revoked.is_(None) & (Token.expires.is_(None) | (Token.expires > now()))
    mine = (Token.user_id == user.id) & holds
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
    if not active:
        sessions.end_all(user.id)
    db.session.commit()
    return user


def set_password(user: User, password: str, actor: Actor) -> None:
    """Give a person another password; each of their sessions ends, and failed sign-ins are forgotten."""
    user.password_hash = passwords.hashed(password, user.email)
    db.session.flush()  # the row first, as a sign-in does: whoever comes second sees what the first did
    sessions.end_all(user.id)
    signin_limits.clear_account(user.email)
    action = "user.password_changed" if actor.id == user.id else "user.password_reset"
    audit.record(actor, action, subject=user.email)
    db.session.commit()


def leave_to_provider(user: User, actor: Actor) -> None:
    """Take a person's password and second factor: from now on they sign in through the provider alone.

    Their account waits for the first sign-in with its address. Each of their sessions ends.
    """
    if user.password_hash:
        user.password_hash, user.totp_secret, user.totp_step = "", None, None
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        sessions.end_all(user.id)
        audit.record(actor, "user.left_to_provider", subject=user.email)
    db.session.commit()


def end_session(user: User, session_id: str, actor: Actor) -> bool:
    """End one session of a person; whether it was there."""
    ended = sessions.end(session_id, user.id)
    if ended:
        audit.record(actor, "user.session_ended", subject=user.email, detail={"count": 1})
    db.session.commit()
    return ended


def end_sessions(user: User, actor: Actor, *, but: str = "") -> int:
    """End every session of a person but the one with this id; how many there were."""
    count = sessions.end_all(user.id, but)
    if count:
        audit.record(actor, "user.session_ended", subject=user.email, detail={"count": count})
    db.session.commit()
    return count


def remove(id: str, actor: Actor) -> str:
    """Delete a person; gives their address. What they did stays in the audit log."""
    user = _locked(id, actor)
    email = user.email
    detail = {"role": user.role, "tokens": valid_tokens(user)}
    audit.record(actor, "user.deleted", subject=email, detail=detail)
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
