"""Whether a message may go to a host: the same rules as for endpoints, told in one sentence."""

from __future__ import annotations

from app.probe.transport.egress.rules import Denied, EgressRules, judge_host
from app.probe.transport.failure import TransportError


class BadChannel(ValueError):
    """An address that no message may be sent to; the text is one sentence without its secrets."""


def refuse_denied(host: str, port: int, rules: EgressRules) -> None:
    """BadChannel where this host can't be found or may not be contacted."""
    try:
        judged = judge_host(host, port, rules)
    except TransportError as error:
        raise BadChannel(f"The host of this address can't be used: {error.failure.detail}.") from error
    if isinstance(judged, Denied):
        raise BadChannel(f"This address may not be contacted: {judged.reason}.")
