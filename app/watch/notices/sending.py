"""Sending messages: signed webhooks, and through apprise to all other channels. Retries with back-off.

Webhooks are signed as Standard Webhooks says (standardwebhooks.com). The address of a channel is judged like
that of an endpoint, each time anew.
"""

from __future__ import annotations

import json
import logging
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select, update
from standardwebhooks import Webhook

from app.config import settings
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.registry.probing import egress_rules
from app.store import vault
from app.store.base import db
from app.store.watch.channels import Channel, Delivery
from app.watch.notices.addresses import BadChannel, refuse_denied
from app.watch.notices.apprise_process import Told, ask
from app.watch.notices.wording import text_of, title_of

log = logging.getLogger("muster.watch.sending")
_BACK_OFF_S = (30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)
_LEASE = timedelta(minutes=5)
_WITHIN_S = 15.0
_APPRISE_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """Whether a message was taken, and a sentence without the channel's address."""

    ok: bool
    message: str


def new_secret() -> str:
    """A secret for signing, as Standard Webhooks writes it."""
    return "whsec_" + b64encode(secrets.token_bytes(24)).decode()


def host_of(kind: str, url: str) -> str:
    """The host that people know a channel by; BadChannel where its address may not be used."""
    if kind == "webhook":
        host, port = place_of_webhook(url)
        refuse_denied(host, port, egress_rules())
        return host
    told = _asked_of_apprise(url)
    if told.bad:
        raise BadChannel(told.bad)
    return told.host


def place_of_webhook(url: str) -> tuple[str, int]:
    """Host and port of a webhook; BadChannel where it has none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadChannel("A webhook needs an http:// or https:// address with a host.")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def claim_due(now: datetime) -> list[str]:
    """The ids of messages whose time has come, claimed for five minutes. Commits where there are any."""
    due = (Delivery.state == "pending") & (Delivery.due <= now)
    if db.session.scalar(select(Delivery.id).where(due).limit(1)) is None:
        return []
    claimed = update(Delivery).where(due).values(due=now + _LEASE).returning(Delivery.id)
    ids = list(db.session.scalars(claimed.execution_options(synchronize_session=False)))
    db.session.commit()
    return ids


Outcome = Literal["sent", "pending", "failed", "dropped"]
"""How it ended for now; pending: it is sent again later."""


def deliver(id: str, now: datetime) -> Outcome | None:
    """Send a message that was claimed, and keep how that went; None where it is sent already. Commits."""
    row = db.session.get(Delivery, id, populate_existing=True)
    channel = Channel.by_id(row.channel_id) if row else None
    if row is None or channel is None or row.state != "pending":
        return None
    if not channel.enabled:
        row.state, row.message = "dropped", "The channel is disabled."
        db.session.commit()
        return "dropped"
    address, secret = opened(channel)
    kind, body = channel.kind, dict(row.body)
    db.session.rollback()  # no connection is held while the channel is contacted
    ended = send(kind, address, secret, id, body, now)
    return _keep(id, ended, now)


def opened(channel: Channel) -> tuple[str, str]:
    """Address and secret of a channel, in clear."""
    secret = channel.secret_ciphertext
    return (
        vault.open_(channel.url_ciphertext, channel.place_of("url")),
        vault.open_(secret, channel.place_of("secret")) if secret else "",
    )


def _keep(id: str, ended: Sent, now: datetime) -> Outcome | None:
    row = db.session.get(Delivery, id, populate_existing=True)
    if row is None:
        return None
    row.attempts += 1
    row.message = ended.message
    outcome: Outcome = "pending"
    if ended.ok:
        outcome, row.sent = "sent", now
    elif row.attempts > len(_BACK_OFF_S):
        outcome = "failed"
    else:
        row.due = now + timedelta(seconds=_BACK_OFF_S[row.attempts - 1])
    row.state = outcome
    db.session.commit()
    return outcome


def send(kind: str, url: str, secret: str, id: str, body: Mapping[str, Any], now: datetime) -> Sent:
    """Send one message now; never raises for what a channel does."""
    return _webhook(url, secret, id, body, now) if kind == "webhook" else _by_apprise(url, body)


def _webhook(url: str, secret: str, id: str, body: Mapping[str, Any], now: datetime) -> Sent:
    text = json.dumps(body, separators=(",", ":"))
    signed = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp()))}
    signed["webhook-signature"] = Webhook(secret).sign(id, now, text)
    call = Call(
        "POST", url, body=text.encode(), content_type="application/json", headers=signed, timeout_s=_WITHIN_S
    )
    with Client(egress_rules(), settings().limits) as client:
        answer = client.send(call)
    if answer.ok:
        return Sent(True, f"It answered {answer.status}.")
    if answer.failure:
        return Sent(False, f"No answer: {answer.failure.detail}.")
    return Sent(False, f"It answered {answer.status}.")


def _by_apprise(url: str, body: Mapping[str, Any]) -> Sent:
    told = _asked_of_apprise(url, title_of(body), text_of(body))
    if told.bad:
        return Sent(False, told.bad)
    return Sent(told.ok, "It was taken." if told.ok else f"{told.name or 'It'} did not take it.")


def _asked_of_apprise(url: str, title: str = "", text: str | None = None) -> Told:
    chosen = settings()
    return ask(url, title, text, egress_rules(), closed=chosen.instance, within_s=_APPRISE_WITHIN_S)
