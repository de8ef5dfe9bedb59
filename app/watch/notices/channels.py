"""Channels as people and programs make, change, try and delete them. Addresses go in and never come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.store import rotation
from app.store.base import db, new_id
from app.store.watch.channels import Channel, Delivery
from app.watch.incidents import stamp
from app.watch.notices import sending
from app.watch.notices.addresses import BadChannel
from app.watch.notices.sending import Sent


def find(id: str) -> Channel:
    """The channel with this id; ApiError 404."""
    channel = Channel.by_id(id)
    if channel is None:
        raise ApiError("not_found", "There is no channel with this id.", field="id")
    return channel


def add(
    kind: str, url: str, name: str, chosen: Mapping[str, Any], actor: Actor, *, enabled: bool = True
) -> tuple[Channel, str]:
    """Make a channel, and what a webhook is signed with ("" for other kinds). ApiError 400. Commits."""
    host = _host(kind, url)
    channel = Channel(id=new_id(), kind=kind, name=name or host, host=host, enabled=enabled)
    channel.url_ciphertext = rotation.seal(url, channel.place_of("url"))
    channel.filter = dict(chosen)
    secret = sending.new_secret() if kind == "webhook" else ""
    if secret:
        channel.secret_ciphertext = rotation.seal(secret, channel.place_of("secret"))
    db.session.add(channel)
    _note(actor, "channel.created", channel)
    db.session.commit()
    return channel, secret


def change(channel: Channel, wanted: Mapping[str, Any], actor: Actor) -> None:
    """Set `url`, `name`, `filter` or `enabled`, as far as they are there. ApiError 400. Commits."""
    if "url" in wanted:
        channel.host = _host(channel.kind, wanted["url"])
        channel.url_ciphertext = rotation.seal(wanted["url"], channel.place_of("url"))
    for field in ("name", "filter", "enabled"):
        if field in wanted:
            setattr(channel, field, wanted[field])
    _note(actor, "channel.changed", channel, sorted(wanted))
    db.session.commit()


def remove(channel: Channel, actor: Actor) -> None:
    """Delete a channel with its messages. Commits."""
    db.session.delete(channel)
    _note(actor, "channel.deleted", channel)
    db.session.commit()


def try_out(channel: Channel, actor: Actor, moment: datetime) -> Sent:
    """Send a test message now, and keep how it went. Commits."""
    id, kind = channel.id, channel.kind
    address, secret = sending.opened(channel)
    db.session.rollback()  # no connection is held while the channel is contacted
    body = {"type": "test", "timestamp": stamp(moment), "data": {"channel": id}}
    ended = sending.send(kind, address, secret, new_id(), body, moment)
    state = "sent" if ended.ok else "failed"
    row = Delivery(channel_id=id, kind="test", body=body, due=moment, attempts=1, state=state)
    row.message, row.sent = ended.message, moment if ended.ok else None
    db.session.add(row)
    _note(actor, "channel.tested", channel)
    db.session.commit()
    return ended


def _host(kind: str, url: str) -> str:
    try:
        return sending.host_of(kind, url)[:300]
    except BadChannel as error:
        raise ApiError("invalid_request", str(error), field="url") from error


def _note(actor: Actor, action: str, channel: Channel, fields: Sequence[str] = ()) -> None:
    detail = {"kind": channel.kind, "host": channel.host} | ({"fields": list(fields)} if fields else {})
    audit.record(actor, action, subject=channel.name, detail=detail)
