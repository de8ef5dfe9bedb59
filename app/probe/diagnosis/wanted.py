"""A header or a scheme that a server asks for, and where in Muster it is set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.probe.proof import Outcome
from app.probe.reading.wordings import any_of
from app.probe.transport.answer import Answer
from app.probe.values import EndpointSettings

_HEADER = r"(?P<name>[A-Za-z][\w]*(?:-[\w]+)+)"
_NAMED = any_of(
    rf"\bmissing (?:the |required |an? )?['\"`]?{_HEADER}['\"`]?",
    rf"['\"`]?{_HEADER.replace('name', 'second')}['\"`]?(?: (?:http|request))? header\b",
    rf"\bheader:? ['\"`]?{_HEADER.replace('name', 'third')}\b",
)
_KEYS = re.compile(r"(^|[-_])(api)?key($|[-_])|token", re.IGNORECASE)
_OUR_OWN = frozenset({"authorization", "content-type", "user-agent", "accept-encoding"})
_SCHEME = re.compile(r"\s*([A-Za-z][\w-]*)(?:\s|$)")
_PARAMETER = re.compile(r'\bname="?([\w-]+)"?')


def wanted_of(outcome: Outcome, settings: EndpointSettings) -> str:
    """The sentence that says where to set what the server asks for; empty where it names nothing, or what is
    set already.
    """
    sent = {settings.auth_header.lower(), *(name.lower() for name, _ in settings.headers)}
    header = next((name for name in _headers(outcome) if name.lower() not in sent), "")
    if header:
        if _KEYS.search(header):
            return f"It wants the key in the header {header}: set that as the endpoint's header of the key."
        return (
            f"It wants the header {header}: add it, with its value, to the further headers of the endpoint."
        )
    scheme, ours = _scheme(outcome.answer), settings.auth_scheme
    if scheme and scheme.lower() != ours.lower():
        return f"It wants the key with the scheme {scheme}, not {ours}: set that in the endpoint's settings."
    return ""


def _headers(outcome: Outcome) -> Iterator[str]:
    challenge = _PARAMETER.search(outcome.answer.headers.get("www-authenticate", ""))
    if challenge:
        yield challenge.group(1)
    for found in _NAMED.finditer(outcome.refusal.text):
        name = next(filter(None, found.groups()), "")
        if name.lower() not in _OUR_OWN:
            yield name


def _scheme(answer: Answer) -> str:
    """The scheme of a 401 that is not the one the key was sent by, nor one that a browser asks people for."""
    found = _SCHEME.match(answer.headers.get("www-authenticate", ""))
    scheme = found.group(1) if found and answer.status == 401 else ""
    return "" if scheme.lower() in ("bearer", "basic", "negotiate", "digest") else scheme
