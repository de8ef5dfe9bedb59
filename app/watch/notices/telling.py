"""Who is told what: messages for channels, put beside the change that they tell of, in its transaction.

Sending them is `sending`'s part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select

from app.config import settings
from app.registry.document import rfc3339
from app.store.base import db
from app.store.watch.channels import Channel, Delivery, Maintenance
from app.watch.places import labels_of

News = Literal[
    "incident.opened",
    "incident.resolved",
    "incident.reminder",
    "model.degraded",
    "model.recovered",
    "model.changed",
    "price.changed",
    "key.expiring",
    "certificate.expiring",
    "test",
]
NEWS: tuple[News, ...] = News.__args__  # type: ignore[attr-defined]

_ONCE_IN = timedelta(minutes=10)
"""News of the same topic within it is one message: what happens to one endpoint happens to its models."""


def tell(
    news: News,
    data: Mapping[str, Any],
    now: datetime,
    *,
    models: Sequence[str],
    endpoint_id: str | None = None,
    topic: str = "",
) -> int:
    """Put a message for every channel that wants it into the transaction at hand; gives how many.

    Its data is what is given, with the owners of the models.
    """
    listening = [one for one in Channel.listening() if wants(one, news, models, endpoint_id)]
    if not listening or is_quiet(now, models, endpoint_id):
        return 0
    owners = sorted(labels_of(list(models))[0])
    named = dict(data) | ({"owners": owners} if owners else {})
    told = 0
    for channel in listening:
        if topic and _was_told(channel.id, topic, now):
            continue
        body = {"type": news, "timestamp": rfc3339(now), "data": named}
        row = Delivery(channel_id=channel.id, kind=news, topic=topic, body=body, due=now, created=now)
        db.session.add(row)
        told += 1
    return told


def link_to(path: str) -> str | None:
    """The address of a page of this Muster; None where it does not know its own."""
    home = settings().public_url
    return f"{home}/{path}" if home else None


def wants(channel: Channel, news: str, models: Sequence[str], endpoint_id: str | None) -> bool:
    """Whether news passes a channel's filter: each part of it that is given must fit."""
    chosen = channel.filter or {}
    owners, tags = labels_of(list(models)) if chosen.get("owners") or chosen.get("tags") else (set(), set())
    parts: tuple[tuple[str, set[str]], ...] = (
        ("kinds", {news}),
        ("endpoints", {endpoint_id} if endpoint_id else set()),
        ("owners", set(owners)),
        ("tags", set(tags)),
    )
    return all(not chosen.get(name) or bool(found & set(chosen[name])) for name, found in parts)


def is_quiet(now: datetime, models: Sequence[str], endpoint_id: str | None) -> bool:
    """Whether a maintenance window covers all that the news is about."""
    windows = Maintenance.at(now)
    if any(one.scope == "all" or (one.scope == "endpoint" and one.subject == endpoint_id) for one in windows):
        return True
    quiet = {one.subject for one in windows if one.scope == "model"}
    tags = {one.subject for one in windows if one.scope == "tag"}
    return bool(models) and all(id in quiet or bool(tags & labels_of([id])[1]) for id in models)


def _was_told(channel_id: str, topic: str, now: datetime) -> bool:
    same = select(Delivery.id).where(
        Delivery.topic == topic, Delivery.channel_id == channel_id, Delivery.created > now - _ONCE_IN
    )
    return db.session.scalar(same.limit(1)) is not None
