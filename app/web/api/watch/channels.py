"""Channels: where people are told. Addresses and secrets go in and never come back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from sqlalchemy import select

from app.access import audit
from app.errors import ApiError
from app.store import rotation
from app.store.base import db, new_id, now
from app.store.watch.channels import Channel, Delivery
from app.watch.incidents import stamp
from app.watch.notices import sending
from app.watch.notices.sending import BadChannel
from app.web.api.answers import ID, answer, require_no_body
from app.web.api.describe import describe
from app.web.api.watch.bodies import checked_body
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_channels", __name__)
_EXAMPLE = {
    "kind": "webhook",
    "url": "https://hooks.example.com/muster",
    "filter": {"kinds": ["incident.opened"]},
}


@blueprint.get("/v2/channels")
@require_scope("admin")
@describe(tag="Channels", gives="Channel[]")
def list_channels() -> Response:
    """Every channel, the oldest first."""
    return answer([_as_json(one) for one in db.session.scalars(select(Channel).order_by(Channel.id))])


@blueprint.get("/v2/channels/<id>")
@require_scope("admin")
@describe(tag="Channels", gives="Channel")
def read_channel(id: str) -> Response:
    """One channel."""
    return answer(_as_json(_found(id)))


@blueprint.post("/v2/channels")
@require_scope("admin")
@describe(tag="Channels", takes="ChannelRequest", gives="Channel", examples={"webhook": _EXAMPLE})
def create_channel() -> Response:
    """Make a channel. The secret that a webhook is signed with stands in this answer only."""
    wanted = checked_body("ChannelRequest")
    host, secret = _host(wanted["kind"], wanted["url"]), ""
    channel = Channel(id=new_id(), kind=wanted["kind"], name=wanted.get("name") or host, host=host)
    channel.url_ciphertext = rotation.seal(wanted["url"], channel.place_of("url"))
    channel.filter, channel.enabled = wanted.get("filter", {}), wanted.get("enabled", True)
    if channel.kind == "webhook":
        secret = sending.new_secret()
        channel.secret_ciphertext = rotation.seal(secret, channel.place_of("secret"))
    db.session.add(channel)
    _note("channel.created", channel)
    db.session.commit()
    return answer(_as_json(channel) | ({"secret": secret} if secret else {}))


@blueprint.patch("/v2/channels/<id>")
@require_scope("admin")
@describe(tag="Channels", takes="ChannelChange", gives="Channel", examples={"off": {"enabled": False}})
def change_channel(id: str) -> Response:
    """Change what the body holds."""
    wanted, channel = checked_body("ChannelChange"), _found(id)
    if "url" in wanted:
        channel.host = _host(channel.kind, wanted["url"])
        channel.url_ciphertext = rotation.seal(wanted["url"], channel.place_of("url"))
    for field in ("name", "filter", "enabled"):
        if field in wanted:
            setattr(channel, field, wanted[field])
    _note("channel.changed", channel, sorted(wanted))
    db.session.commit()
    return answer(_as_json(channel))


@blueprint.delete("/v2/channels/<id>")
@require_scope("admin")
@describe(tag="Channels", gives="Deleted")
def delete_channel(id: str) -> Response:
    """Delete a channel with its messages."""
    channel = _found(id)
    db.session.delete(channel)
    _note("channel.deleted", channel)
    db.session.commit()
    return answer({"id": id, "deleted": True})


@blueprint.post("/v2/channels/<id>/test")
@require_scope("admin")
@describe(tag="Channels", gives="ChannelTest")
def test_channel(id: str) -> Response:
    """Send a test message now, and say how it went."""
    require_no_body("It sends a message that is the same each time.")
    channel, moment = _found(id), now()
    address, secret = sending.opened(channel)
    kind = channel.kind
    db.session.rollback()  # no connection is held while the channel is contacted
    body = {"type": "test", "timestamp": stamp(moment), "data": {"channel": id}}
    ended = sending.send(kind, address, secret, new_id(), body, moment)
    state = "sent" if ended.ok else "failed"
    row = Delivery(channel_id=id, kind="test", body=body, due=moment, attempts=1, state=state)
    row.message, row.sent = ended.message, moment if ended.ok else None
    db.session.add(row)
    db.session.commit()
    return answer({"ok": ended.ok, "message": ended.message})


def _found(id: str) -> Channel:
    channel = Channel.by_id(id) if ID.fullmatch(id) else None
    if channel is None:
        raise ApiError("not_found", "There is no channel with this id.", field="id")
    return channel


def _host(kind: str, url: str) -> str:
    try:
        return sending.host_of(kind, url)[:300]
    except BadChannel as error:
        raise ApiError("invalid_request", str(error), field="url") from error


def _note(action: str, channel: Channel, fields: list[str] | None = None) -> None:
    detail = {"kind": channel.kind, "host": channel.host} | ({"fields": fields} if fields else {})
    audit.record(current_actor(), action, subject=channel.name, detail=detail)


def _as_json(channel: Channel) -> dict[str, Any]:
    last = Delivery.last_of(channel.id)
    told = (
        {"at": stamp(last.sent or last.due), "ok": last.state == "sent", "message": last.message}
        if last
        else None
    )
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "host": channel.host,
        "filter": channel.filter,
        "enabled": channel.enabled,
        "last_delivery": told,
    }
