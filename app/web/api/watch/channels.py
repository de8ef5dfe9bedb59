"""Channels: where people are told. Addresses and secrets go in and never come back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from sqlalchemy import select

from app.store.base import db, now
from app.store.watch.channels import Channel, Delivery
from app.watch.incidents import stamp
from app.watch.notices import channels
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
    kind, url, name = wanted["kind"], wanted["url"], wanted.get("name", "")
    channel, secret = channels.add(
        kind, url, name, wanted.get("filter", {}), current_actor(), enabled=wanted.get("enabled", True)
    )
    return answer(_as_json(channel) | ({"secret": secret} if secret else {}))


@blueprint.patch("/v2/channels/<id>")
@require_scope("admin")
@describe(tag="Channels", takes="ChannelChange", gives="Channel", examples={"off": {"enabled": False}})
def change_channel(id: str) -> Response:
    """Change what the body holds."""
    wanted, channel = checked_body("ChannelChange"), _found(id)
    channels.change(channel, wanted, current_actor())
    return answer(_as_json(channel))


@blueprint.delete("/v2/channels/<id>")
@require_scope("admin")
@describe(tag="Channels", gives="Deleted")
def delete_channel(id: str) -> Response:
    """Delete a channel with its messages."""
    channels.remove(_found(id), current_actor())
    return answer({"id": id, "deleted": True})


@blueprint.post("/v2/channels/<id>/test")
@require_scope("admin")
@describe(tag="Channels", gives="ChannelTest")
def test_channel(id: str) -> Response:
    """Send a test message now, and say how it went."""
    require_no_body("It sends a message that is the same each time.")
    ended = channels.try_out(_found(id), current_actor(), now())
    return answer({"ok": ended.ok, "message": ended.message})


def _found(id: str) -> Channel:
    return channels.find(id if ID.fullmatch(id) else "")


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
