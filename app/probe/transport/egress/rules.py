"""Which addresses may be contacted: a host is resolved and every address of it judged.

The rules are those of docs/probe.md, "Addresses":

- Link-local, cloud metadata (by address and by name), multicast, unspecified, broadcast and Muster's own
  listening address are always refused. No setting opens them.
- `deny` comes next, then `allow`; both hold networks (`10.0.0.0/8`, `10.1.2.3`) and host patterns
  (`*.example.com`, `gpu-1`, `*`).
- Where `allow` is given, what it lists is open, private or not, and nothing else is: a list of hosts that
  may be contacted means no others.
- Where it is not, private and loopback addresses are open unless `private` is False, and all others are open.
- A name is refused as soon as one of its addresses is: the answer of a resolver is in other hands.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from app.probe.transport.egress.addresses import (
    FORBIDDEN_NAMES,
    PRIVATE_NAMES,
    Address,
    Network,
    forbidden,
    forms,
    is_private,
)
from app.probe.transport.failure import TransportError

Resolver = Callable[..., Sequence[tuple[Any, ...]]]
Found = tuple[int, Any]
"""An address family and the socket address to connect to."""


@dataclass(frozen=True, slots=True)
class EgressRules:
    """What may be contacted, and how to get there.

    `own` holds Muster's listening addresses as (address, port); a wildcard stands for every address of this
    machine. `ca_bundle` is a PEM file trusted beside the system's; `proxy` an `http://[user:password@]host:port`
    that carries every call; `endpoint_proxies` are those that an endpoint may name as its own, each as
    `origin_of_proxy` writes it. `resolver` has the signature of `socket.getaddrinfo`.
    """

    private: bool = True
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    own: tuple[tuple[str, int], ...] = ()
    ca_bundle: str | None = None
    proxy: str | None = None
    endpoint_proxies: tuple[str, ...] = ()
    resolver: Resolver = socket.getaddrinfo


@dataclass(frozen=True, slots=True)
class Denied:
    """The rules forbid the host; `reason` says which rule, as a sentence fragment."""

    reason: str


def judge_host(host: str, port: int, rules: EgressRules) -> list[Found] | Denied:
    """Resolve a host and judge all of its addresses.

    Returns where to connect, in the resolver's order. Raises Broken("no_host") where there is no such host.
    Blocks as long as the resolver does: `egress.Lookup` bounds that.
    """
    denied = judge_name(host, port, rules)
    if denied:
        return denied
    found = numeric(host, port) or resolved(host, port, rules.resolver)
    for _, address in found:
        reason = judge_address(host, ipaddress.ip_address(address[0].partition("%")[0]), port, rules)
        if reason:
            return Denied(reason)
    return found


def judge_name(host: str, port: int, rules: EgressRules) -> Denied | None:
    """What the rules say about the host as it is spelled, without resolving it."""
    name = _plain(host)
    if name in FORBIDDEN_NAMES:
        return Denied(f"{name} is the name of a cloud metadata service")
    if any(port == own_port and name == _plain(listening) for listening, own_port in rules.own):
        return Denied(f"{name} port {port} is Muster itself")
    for _, address in numeric(name, port):  # "169.254.169.254." is a name to some resolvers only
        reason = judge_address(name, ipaddress.ip_address(address[0]), port, rules)
        if reason:
            return Denied(reason)
    for pattern in _patterns(rules.deny):
        if fnmatchcase(name, pattern):
            return Denied(f"{name} is on the deny list ({pattern})")
    return None


def judge_for_proxy(host: str, port: int, rules: EgressRules) -> list[Found] | Denied:
    """The rules for a host that a proxy will connect to, as without one wherever it can be resolved here.

    Where it can't, its name decides, and the address if it spells one: many networks resolve names of the
    internet at the proxy only.
    """
    try:
        return judge_host(host, port, rules)
    except TransportError:
        return judge_unresolved(host, port, rules) or []


def judge_unresolved(host: str, port: int, rules: EgressRules) -> Denied | None:
    """The rules for a host that only a proxy can resolve: its name, and the address if it spells one."""
    denied = judge_name(host, port, rules)
    if denied or _allowed_name(host, rules) or numeric(_plain(host), port):
        return denied
    if rules.allow:
        return Denied(f"{host} is not on the allow list")
    if rules.private:
        return None
    if "." not in _plain(host) or _plain(host).rpartition(".")[2] in PRIVATE_NAMES:
        return Denied(f"{host} is a name of a private network, and those are closed by the settings")
    return None


def judge_proxy(proxy: str, rules: EgressRules) -> Denied | None:
    """Whether an endpoint may have this proxy of its own: only one that the settings name."""
    if origin_of_proxy(proxy) in rules.endpoint_proxies:
        return None
    return Denied(f"the endpoint's proxy {origin_of_proxy(proxy)} is none that the settings allow")


def is_no_proxy(url: str) -> bool:
    """Whether a URL is anything but `http://[user:password@]host[:port]`, the only kind that is spoken."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "http" and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return True
    rest = parts.path not in ("", "/") or "?" in url or "#" in url
    return not good or rest or not url.isascii() or not url.isprintable() or " " in url


def origin_of_proxy(proxy: str) -> str:
    """`http://host:port` of a proxy, without who signs in there."""
    host, port = host_of_proxy(proxy)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def host_of_proxy(proxy: str) -> tuple[str, int]:
    """Host and port of `http://[user:password@]host:port`."""
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or 80


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def judge_address(host: str, address: Address, port: int, rules: EgressRules) -> str:
    """The reason against one address of a host, as a sentence fragment; "" where it may be contacted."""
    shown = str(address) if _plain(host) == str(address) else f"{_plain(host)} ({address})"
    what = forbidden(address)
    if what:
        return f"{shown} is {what}"
    if any(_is_own(form, port, rules.own) for form in forms(address)):
        return f"{shown} port {port} is Muster itself"
    listed = _listed(address, rules.deny)
    if listed:
        return f"{shown} is on the deny list ({listed})"
    if rules.allow:
        allowed = _listed(address, rules.allow) or _allowed_name(host, rules)
        return "" if allowed else f"{shown} is not on the allow list"
    if rules.private or not is_private(address):
        return ""
    return f"{shown} is a private address, and those are closed by the settings"


def _allowed_name(host: str, rules: EgressRules) -> bool:
    return any(fnmatchcase(_plain(host), pattern) for pattern in _patterns(rules.allow))


def _listed(address: Address, entries: tuple[str, ...]) -> str:
    return next((str(n) for n in _networks(entries) for form in forms(address) if form in n), "")


@lru_cache(maxsize=64)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for network in map(_network, entries) if network)


@lru_cache(maxsize=64)
def _patterns(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_plain(entry.strip()) for entry in entries if entry.strip() and not _network(entry))


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry.strip().strip("[]"), strict=False)
    except ValueError:
        return None


def _is_own(address: Address, port: int, own: tuple[tuple[str, int], ...]) -> bool:
    """Whether one of Muster's sockets takes a connection to this address."""
    for listening, own_port in own:
        if port != own_port:
            continue
        bound = _bound(listening)
        if any(one.is_unspecified for one in bound):
            if _is_here(address):
                return True
        elif any(address == form for one in bound for form in forms(one)):
            return True
    return False


@lru_cache(maxsize=16)
def _bound(listening: str) -> tuple[Address, ...]:
    """The addresses that a socket is bound to which listens at this host, as the system reads it."""
    host = listening.strip("[]")
    if host in ("", "*", "localhost"):  # the last has an address of each family, and more on some machines
        host = "0.0.0.0"
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple({ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found})


def _is_here(address: Address) -> bool:
    """Whether an address belongs to this machine: then the kernel would send from that same address."""
    if address.is_loopback:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(address), 9))
            return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]) == address
    except OSError:
        return False


def numeric(host: str, port: int) -> list[Found]:
    """The address that a host spells, in whatever way the resolver reads (decimal, octal …); or none."""
    spelled = host.strip("[]").partition("%")[0] if ":" in host else host  # a zone changes no judgement
    try:
        found = socket.getaddrinfo(spelled, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


def resolved(host: str, port: int, resolver: Resolver) -> list[Found]:
    """Where a host is, as the resolver tells; raises Broken("no_host")."""
    try:
        found = resolver(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        code = error.errno if isinstance(error, socket.gaierror) else None
        if code == socket.EAI_AGAIN:
            raise TransportError(
                "no_host", f"the name {host} can't be resolved now: no name server answered"
            ) from None
        raise TransportError("no_host", f"there is no host named {host}") from None
    unique = dict.fromkeys((family, address) for family, _, _, _, address in found)
    if not unique:
        raise TransportError("no_host", f"there is no host named {host}")
    return list(unique)
