"""Certificates and keys that are about to end: told once at each of a few distances, whoever comes first.

The server's certificate and the end of a key that tells it (a JSON Web Token) are seen by looks; of others
a person may have stated it. Authorities and client certificates are stored with their endpoint, and tokens
of this Muster's own say when they end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal

from sqlalchemy import or_, select

from app.probe.values import Validity
from app.registry.endpoints.certificates import life_of_ca
from app.store.accounts import Token
from app.store.base import db, insert_new
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.endings import EndingTold
from app.store.watch.events import FeedEvent
from app.store.watch.health import EndpointWatch
from app.watch.incidents import stamp
from app.watch.notices import telling

News = Literal["key.expiring", "certificate.expiring"]

STEPS = (0, 1, 7, 14, 30)
"""Days before the end at which people are told; 0: it has ended."""

_RENEWED_BY_PROGRAMS = timedelta(days=3)
"""What lives no longer than this is renewed by a program: news of each one would be noise."""

_SHARE = 3
"""Nobody is told before two thirds of a life are over: certificates are usually renewed then."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends. `subject` is what it is remembered by, `what` what people call it."""

    news: News
    subject: str
    what: str
    life: Validity
    endpoint: Endpoint | None = None
    token: Token | None = None


def as_kept(life: Validity) -> list[str | None]:
    """A validity as the row of an endpoint keeps it."""
    return [life.begins.isoformat() if life.begins else None, life.ends.isoformat()]


def step_of(life: Validity, now: datetime) -> int | None:
    """The nearest of STEPS that is reached; None where it is too early to tell anybody."""
    length = life.ends - life.begins if life.begins else None
    if length is not None and length <= _RENEWED_BY_PROGRAMS:
        return None
    left = life.ends - now
    reached = (days for days in STEPS if left <= timedelta(days=days))
    return next((d for d in reached if not d or length is None or timedelta(days=d) * _SHARE < length), None)


def tell_of_endings(now: datetime) -> int:
    """Tell of everything that came a step nearer to its end; gives how many. Nothing commits.

    While a maintenance window covers it, it is left for later.
    """
    told = 0
    for ending in _endings():
        days = step_of(ending.life, now)
        if days is None or _was_told(ending, days):
            continue
        models = _models_at(ending.endpoint)
        if telling.is_quiet(now, list(models), ending.endpoint.id if ending.endpoint else None):
            continue
        if insert_new(EndingTold, subject=ending.subject, ends=ending.life.ends, days=days):
            _tell(ending, models, now)
            told += 1
    return told


def _endings() -> Iterator[Ending]:
    seen = select(Endpoint, EndpointWatch.endings).outerjoin(
        EndpointWatch, EndpointWatch.endpoint_id == Endpoint.id
    )
    holds = or_(
        EndpointWatch.endings.is_not(None),
        Endpoint.ca_pem.is_not(None),
        Endpoint.client_certificate_shown.is_not(None),
        Endpoint.key_ends.is_not(None),
    )
    for endpoint, endings in db.session.execute(seen.where(holds)):
        yield from _of_endpoint(endpoint, endings or {})
    for token in db.session.scalars(select(Token).where(Token.expires.is_not(None), Token.revoked.is_(None))):
        assert token.expires is not None, "the query leaves the others out"
        life = Validity(token.created, token.expires)
        yield Ending("key.expiring", f"token:{token.id}", "The token", life, token=token)


def _of_endpoint(endpoint: Endpoint, endings: dict[str, list[str | None]]) -> Iterable[Ending]:
    lives: dict[str, Validity] = {}
    if "certificate" in endings:
        lives["The certificate of the server"] = _life(*endings["certificate"])
    if endpoint.client_certificate_shown:
        lives["The client certificate"] = _life(None, endpoint.client_certificate_shown["not_after"])
    if endpoint.ca_pem:
        authority = life_of_ca(endpoint.ca_pem)
        # A server's own certificate may be what is trusted: that is one thing that ends, not two.
        if authority not in lives.values():
            lives["The authority that is trusted"] = authority
    for what, life in lives.items():
        yield Ending("certificate.expiring", f"{endpoint.id}:{what}", what, life, endpoint)
    stated = Validity(None, endpoint.key_ends) if endpoint.key_ends and endpoint.has_key else None
    # What the key itself tells is true, whatever anybody stated.
    key = _life(*endings["key"]) if "key" in endings else stated
    if key is not None:
        yield Ending("key.expiring", f"{endpoint.id}:key", "The API key", key, endpoint)


def _life(begins: str | None, ends: str | None) -> Validity:
    assert ends is not None, "as it was kept"
    return Validity(datetime.fromisoformat(begins) if begins else None, datetime.fromisoformat(ends))


def _was_told(ending: Ending, days: int) -> bool:
    return db.session.get(EndingTold, (ending.subject, ending.life.ends, days)) is not None


def _models_at(endpoint: Endpoint | None) -> dict[str, str]:
    """The models of an endpoint: id and name."""
    if endpoint is None:
        return {}
    query = select(RegisteredModel.id, RegisteredModel.display_name)
    mine = query.where(RegisteredModel.endpoint_id == endpoint.id).order_by(RegisteredModel.id)
    return {id: name for id, name in db.session.execute(mine)}


def _tell(ending: Ending, models: dict[str, str], now: datetime) -> None:
    endpoint_id = ending.endpoint.id if ending.endpoint else None
    facts = _facts(ending, now)
    FeedEvent.add(ending.news, endpoint_id=endpoint_id, at=now, **facts)
    named = [{"id": id, "name": name} for id, name in models.items()]
    more = {"models": named, "link": _link(ending)} if ending.endpoint else {"link": _link(ending)}
    told = _subject(ending) | facts | more
    telling.tell(ending.news, told, now, models=list(models), endpoint_id=endpoint_id)


def _subject(ending: Ending) -> dict[str, Any]:
    if ending.endpoint:
        return {"endpoint": {"id": ending.endpoint.id, "name": ending.endpoint.name}}
    assert ending.token is not None, "a token or something of an endpoint"
    return {"token": {"id": ending.token.id, "name": ending.token.name}}


def _facts(ending: Ending, now: datetime) -> dict[str, Any]:
    return {
        "what": ending.what,
        "ends": stamp(ending.life.ends),
        "days_left": max(0, ceil((ending.life.ends - now) / timedelta(days=1))),
        "message": _sentence(ending, now),
    }


def _sentence(ending: Ending, now: datetime) -> str:
    whose = f"of {ending.endpoint.name}" if ending.endpoint else ending.token.name if ending.token else ""
    what, day = f"{ending.what} {whose}", f"{ending.life.ends:%Y-%m-%d %H:%M} UTC"
    if ending.life.ends <= now:
        return f"{what} ended on {day}. Put a new one in its place."
    return f"{what} ends on {day}. Put a new one in its place before then: calls fail afterwards."


def _link(ending: Ending) -> str | None:
    return telling.link_to(f"endpoints/{ending.endpoint.id}" if ending.endpoint else "tokens")
