"""Whether channels can be reached, without a word sent to them: what `muster check` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Self

from app.config import settings
from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.failure import TransportError
from app.registry.probing import egress_rules
from app.store.base import db
from app.store.vault import VaultError
from app.store.watch.channels import Channel, Delivery
from app.watch.notices.addresses import BadChannel
from app.watch.notices.apprise_process import ask
from app.watch.notices.sending import opened, place_of_webhook

_CONNECT_WITHIN_S = 5.0
_APPRISE_WITHIN_S = 20.0
_AT_ONCE = 8


def problems() -> Iterator[str]:
    """What is wrong with the channels that are enabled, a sentence each: the last message did not get
    through, or the address can't be read or reached now.
    """
    rules, closed = egress_rules(), settings().instance
    known = [_Known.of(channel) for channel in Channel.listening()]
    db.session.rollback()  # no connection is held while the channels are contacted
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        reached = threads.map(lambda one: one.sealed or why_not(one.kind, one.url, rules, closed), known)
        for one, reason in zip(known, reached, strict=True):
            if one.failure or reason:
                yield f"{one.name}: {' '.join(filter(None, (one.failure, reason)))}"


@dataclass(frozen=True, slots=True)
class _Known:
    """A channel as its row tells; `sealed` is why its address can't be read, `failure` how the last message
    failed.
    """

    name: str
    kind: str
    failure: str
    url: str = field(default="", repr=False)
    sealed: str = ""

    @classmethod
    def of(cls, channel: Channel) -> Self:
        name = channel.name if channel.name == channel.host else f"{channel.name} ({channel.host})"
        failure = _last_failure(channel)
        try:
            return cls(name, channel.kind, failure, url=opened(channel)[0])
        except VaultError as error:
            return cls(name, channel.kind, failure, sealed=str(error))


def why_not(kind: str, url: str, rules: EgressRules, closed: Path) -> str:
    """Why an address can't be reached, "" where it can: a webhook's takes a connection, and of the services
    of apprise, which choose their hosts themselves, only the address is judged.
    """
    if kind != "webhook":
        told = ask(url, "", None, rules, closed=closed, within_s=_APPRISE_WITHIN_S)
        return told.bad or ("" if told.host else "apprise did not say what this address is.")
    try:
        host, port = place_of_webhook(url)
        deadline = Deadline(monotonic() + _CONNECT_WITHIN_S)
        Dialer(rules, _CONNECT_WITHIN_S).open(host, port, deadline).abort()
    except BadChannel as error:
        return str(error)
    except TransportError as error:
        return f"It can't be reached: {error.failure.detail}."
    return ""


def _last_failure(channel: Channel) -> str:
    last = Delivery.last_of(channel.id)
    if last is None or last.state not in ("pending", "failed"):
        return ""
    return f"The last message did not get through: {last.message}"
