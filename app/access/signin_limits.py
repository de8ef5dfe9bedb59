"""How often somebody may try to sign in: by address and by account, counted in the database for all machines.

An address may try so many times a minute. An account may be tried so many times in a quarter of an hour
without success, from wherever; NIST SP 800-63B-4, 3.2.2, asks for such a limit. An attempt counts before the
password is looked at, so that many at once get no further than one after the other. Addresses and accounts
are kept as hashes: somebody may have typed a password into the wrong field.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from sqlalchemy import case, delete
from sqlalchemy.dialects import postgresql, sqlite

from app.config import settings
from app.store.accounts import SigninCount
from app.store.base import db, now

_A_MINUTE = timedelta(minutes=1)
_A_QUARTER = timedelta(minutes=15)
_KEPT = timedelta(days=1)
_INSERT: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What counting said: seconds to wait (0: go on), and whether this is the first that must wait."""

    wait_s: int = 0
    first_over: bool = False


def network_of(address: str | None) -> str:
    """What an address counts as: of IPv6 a caller has a whole /64 to choose from (RFC 6177)."""
    try:
        found = ipaddress.ip_address(str(address).partition("%")[0])
    except ValueError:
        return str(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def take_address(address: str | None) -> Attempt:
    """Count an attempt from an address. Commits a transaction of its own."""
    return _take(f"address:{network_of(address)}", settings().signin_limit, _A_MINUTE)


def take_account(email: str) -> Attempt:
    """Count an attempt on an account, also on one that does not exist. Commits a transaction of its own."""
    return _take(_account(email), settings().signin_failures, _A_QUARTER)


def take_comparisons(label: str, count: int) -> None:
    """Count how often an actor was told that a secret of theirs is not the stored one: nobody should find one
    by trying. Commits a transaction of its own.
    """
    _take(_comparisons(label), settings().signin_failures, _A_QUARTER, count)


def wait_for_comparisons(label: str) -> int:
    """Seconds until an actor may have secrets compared again, 0 for now. Asked before anything is compared:
    who were refused only for a wrong one would know by that which is right.
    """
    row = db.session.get(SigninCount, _hash(_comparisons(label)), populate_existing=True)
    limit = settings().signin_failures
    if row is None or not limit or row.count < limit:
        return 0
    return max(0, ceil((row.since + _A_QUARTER - now()).total_seconds()))


def _comparisons(label: str) -> str:
    return f"comparison:{label}"


def clear_account(email: str) -> None:
    """Forget the failures of an account, in the transaction at hand: its person has shown who they are."""
    db.session.execute(delete(SigninCount).where(SigninCount.who == _hash(_account(email))))


def _account(email: str) -> str:
    return f"account:{email.strip().lower()}"


def _take(who: str, limit: int, window: timedelta, times: int = 1) -> Attempt:
    if not limit:
        return Attempt()
    moment = now()
    given = {"who": _hash(who), "since": moment, "count": times}
    is_over = SigninCount.since <= moment - window
    anew = {
        "since": case((is_over, moment), else_=SigninCount.since),
        "count": case((is_over, times), else_=SigninCount.count + times),
    }
    row = _INSERT[db.engine.dialect.name](SigninCount).values(given)
    upsert = row.on_conflict_do_update(index_elements=["who"], set_=anew)
    with db.engine.begin() as connection:
        connection.execute(delete(SigninCount).where(SigninCount.since < moment - _KEPT))
        since, count = connection.execute(upsert.returning(SigninCount.since, SigninCount.count)).one()
    left = (since + window - moment).total_seconds()
    return Attempt() if count <= limit else Attempt(max(1, ceil(left)), count == limit + 1)


def _hash(who: str) -> str:
    return hashlib.sha256(who.encode("utf-8", "surrogatepass")).hexdigest()
