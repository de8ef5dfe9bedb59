"""People who sign in through an OpenID Connect provider: what its claims say, and whose account that is.

A person is known by issuer and subject, never by an address, which may pass to somebody else (OpenID Connect
Core 1.0, 5.7). What they may do is read from the claims at each sign-in, so the provider's word is newer than
whatever stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.access import audit, people, sessions
from app.access.actors import ROLES, SYSTEM, AccessError, user_actor
from app.config import Settings
from app.store.accounts import Token, User
from app.store.base import db, now

_LONGEST = 255
"""Characters of a subject and of a session's name; Core 1.0, 2, allows a subject no more."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody whom the provider vouches for; `role` is "" where no claim of theirs gives one."""

    issuer: str
    subject: str
    email: str
    role: str
    provider_session: str | None = None


def judge(claims: Mapping[str, Any], chosen: Settings) -> Visitor:
    """Who these claims speak of. AccessError is a sentence for them, where they can't be taken.

    The claims come from a token whose signature, issuer, audience, times and nonce hold already.
    """
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST:
        raise AccessError("The provider did not say who you are: a subject is missing.")
    if not isinstance(email, str) or not people.is_address(email.strip()):
        raise AccessError("The provider did not tell your email address. Muster asks for the scope email.")
    # Some providers send the word instead of the value.
    if claims.get("email_verified") not in (True, "true"):
        raise AccessError(
            "The provider has not verified your email address. Verify it there, then try again."
        )
    email = email.strip().lower()
    domain = email.rpartition("@")[2]
    if chosen.oidc_domains and domain not in {allowed.lower() for allowed in chosen.oidc_domains}:
        raise AccessError(f"Addresses of {domain} may not sign in here.")
    sid = claims.get("sid")
    kept = sid if isinstance(sid, str) and 1 <= len(sid) <= _LONGEST else None
    return Visitor(str(claims["iss"]), subject, email, role_of(claims, chosen), kept)


def role_of(claims: Mapping[str, Any], chosen: Settings) -> str:
    """The role that the claims give by the table of the settings, the highest of several; "" for none."""
    values = _values(claims, chosen.oidc_role_claim)
    given = [role for value, role in chosen.oidc_roles if value in values]
    by_rights = sorted(given, key=lambda role: len(ROLES[role]))
    default = "" if chosen.oidc_default_role == "none" else chosen.oidc_default_role
    return by_rights[-1] if by_rights else default


def _values(claims: Mapping[str, Any], name: str) -> Sequence[Any]:
    """The values of a claim. Its name may hold dots itself (`https://example.com/roles`), or lead inwards."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else [found]


def admit(visitor: Visitor) -> User:
    """The account of who the provider vouches for, made at the first visit, with the role of now. Commits.

    AccessError is a sentence for them, where they are not let in.
    """
    user = _known(visitor)
    if not visitor.role:
        _shut(user)
        raise AccessError("None of your groups has a role in Muster. Ask who runs it for one.")
    if user is None:
        user = _waiting(visitor) or _new(visitor)
    if not user.active:
        raise AccessError("You are shut out of Muster. An administrator can let you in again.")
    _follow(user, visitor)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AccessError("Your account was made at this very moment. Sign in once more.") from error
    return user


def _known(visitor: Visitor) -> User | None:
    query = select(User).where(User.issuer == visitor.issuer, User.subject == visitor.subject)
    return db.session.scalars(query).first()


def _waiting(visitor: Visitor) -> User | None:
    """The account that waits for the first visit of this address; AccessError where it has a password.

    An account with a password is never taken over: whoever runs the provider would else be every
    administrator of Muster.
    """
    user = User.by_email(visitor.email)
    if user is None:
        return None
    if user.password_hash or user.subject is not None:
        raise AccessError(
            f"There is an account {visitor.email} that does not belong to this sign-in. "
            "An administrator can hand it over with: muster user to-provider EMAIL."
        )
    user.issuer, user.subject = visitor.issuer, visitor.subject
    return user


def _new(visitor: Visitor) -> User:
    user = people.create_user(visitor.email, visitor.role, None)
    user.issuer, user.subject = visitor.issuer, visitor.subject
    db.session.flush()
    detail = {"role": visitor.role, "through": visitor.issuer}
    audit.record(user_actor(user), "user.created", subject=user.email, detail=detail)
    return user


def _follow(user: User, visitor: Visitor) -> None:
    """Give the account the role and the address that the provider tells now."""
    changes: dict[str, list[str]] = {}
    if user.role != visitor.role:
        changes["role"] = [user.role, visitor.role]
    if user.email != visitor.email and User.by_email(visitor.email) is None:
        changes["email"] = [user.email, visitor.email]
    if changes:
        detail = {"changes": changes, "through": visitor.issuer}
        audit.record(user_actor(user), "user.changed", subject=user.email, detail=detail)
    for name, (_, new) in changes.items():
        setattr(user, name, new)


def _shut(user: User | None) -> None:
    """Who has no role any more is out in every browser, and every program with a token of theirs."""
    if user is None:
        return
    sessions.end_all(user.id)
    theirs = (Token.user_id == user.id) & Token.revoked.is_(None)
    revoked = update(Token).where(theirs).values(revoked=now()).returning(Token.name)
    for name in db.session.scalars(revoked).all():
        audit.record(SYSTEM, "token.revoked", subject=name)
    db.session.commit()


def sign_out(issuer: str, subject: str | None, provider_session: str | None) -> int:
    """End what the provider says is over, by its session or else all of a person; how many. Commits.

    OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.7: a token names a session, a subject, or both.
    """
    theirs = select(User.id).where(User.issuer == issuer)
    if subject is not None:
        theirs = theirs.where(User.subject == subject)
    count = 0
    if provider_session is not None:
        count = sessions.end_of_provider(provider_session, theirs)
    elif subject is not None:
        count = sum(sessions.end_all(id) for id in db.session.scalars(theirs).all())
    if count:
        detail = {"count": count, "through": issuer}
        audit.record(SYSTEM, "user.signed_out_by_provider", subject=subject or "", detail=detail)
    db.session.commit()
    return count
