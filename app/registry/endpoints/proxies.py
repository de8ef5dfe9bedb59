"""A proxy of an endpoint's own: only one that the settings name, and its password apart from its address."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.config import settings
from app.probe.transport.egress.rules import is_no_proxy, judge_proxy, origin_of_proxy

LONGEST = 2048


def parts_of(proxy: str) -> tuple[str, str]:
    """The address, which may be seen, and `user:password`; "" for what there is none of."""
    if not proxy:
        return "", ""
    return origin_of_proxy(proxy), urlsplit(proxy).netloc.rpartition("@")[0]


def address_shown(typed: str) -> str:
    """What somebody typed for a proxy, without what signs in there."""
    return typed.strip().rpartition("@")[2] if is_no_proxy(typed.strip()) else parts_of(typed.strip())[0]


def joined(origin: str, signs_in: str) -> str:
    """The URL of those two parts."""
    return origin.replace("://", f"://{signs_in}@", 1) if origin and signs_in else origin


def spelled(typed: str | None) -> str | None:
    """A proxy as it is spelled from here on, so that one address is one; what is none stays as it is."""
    return typed if typed is None or is_no_proxy(typed) else joined(*parts_of(typed))


def wrong_with_proxy(proxy: str) -> str:
    """What is wrong with a proxy that somebody wants for an endpoint, as the rest of a sentence; or ""."""
    if is_no_proxy(proxy):
        return (
            "must be a URL such as http://proxy.example:3128, with user:password@ before the host if needed"
        )
    if judge_proxy(proxy, settings().egress) is None:
        return ""
    allowed = settings().endpoint_proxies
    if not allowed:
        return "is not allowed: this Muster's operator names no proxy in the setting MUSTER_ENDPOINT_PROXIES"
    return f"must be one that MUSTER_ENDPOINT_PROXIES names: {', '.join(allowed)}"


def kept(wanted: str, stored: str) -> str:
    """The proxy that is meant: the same address without a password means the stored one with its password."""
    origin, signs_in = parts_of(wanted)
    return stored if origin and not signs_in and origin == parts_of(stored)[0] else wanted
