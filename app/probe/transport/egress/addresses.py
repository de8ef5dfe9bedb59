"""Which addresses are what: the tables and the reading of odd forms. Nothing here touches the network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What no setting opens. Later rows are narrower names for addresses of cloud metadata services.
FORBIDDEN: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("168.63.129.16/32", "a cloud metadata address (Azure)"),
        ("100.100.100.200/32", "a cloud metadata address (Alibaba)"),
        ("192.0.0.192/32", "a cloud metadata address (Oracle)"),
        ("169.254.169.254/32", "a cloud metadata address"),
        ("fd00:ec2::/32", "a cloud metadata address (AWS)"),
        ("fd20:ce::254/128", "a cloud metadata address (Google)"),
        ("fd00:42::42/128", "a cloud metadata address (Scaleway)"),
        ("169.254.0.0/16", "a link-local address"),
        ("fe80::/10", "a link-local address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("::/128", "the unspecified address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
    )
)

# Names under which clouds serve their metadata, whatever address they resolve to.
FORBIDDEN_NAMES = frozenset(
    (
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.internal",
        "metadata.azure.internal",
        "metadata.azure.com",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.oraclecloud.com",
        "api.metadata.cloud.ibm.com",
        "instance-data",
        "instance-data.ec2.internal",
        "rancher-metadata",
    )
)

# Not on the public internet: closed by EgressRules.private=False. From the IANA special-purpose registries.
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "::1/128",
        "100::/64",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
    )
)
# A top-level domain (or the last label alone) that only a private resolver answers.
PRIVATE_NAMES = frozenset(
    ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "test")
)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)


def forms(address: Address) -> Iterator[Address]:
    """The address and every IPv4 address that it carries inside.

    Mapped, translated (SIIT), compatible, NAT64 (RFC 6052, RFC 8215), 6to4, Teredo and ISATAP forms all reach
    the IPv4 address inside somewhere, so each is judged as that one too.
    """
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    number = int(address)
    low = number & 0xFFFFFFFF
    last_32 = (_MAPPED, _TRANSLATED, _NAT64, _NAT64_LOCAL)
    if any(address in network for network in last_32) or (address in _COMPATIBLE and number > 1):
        yield ipaddress.IPv4Address(low)
    if address in _NAT64_LOCAL:  # RFC 6052 with a prefix of 48 bits: 16 bits, an empty octet, 16 bits
        yield ipaddress.IPv4Address((number >> 64 & 0xFFFF) << 16 | (number >> 40 & 0xFFFF))
    if address in _SIX_TO_FOUR:
        yield ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        yield ipaddress.IPv4Address(~low & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(low)


@lru_cache(maxsize=4096)
def forbidden(address: Address) -> str:
    """Why nothing opens this address, as words ("a link-local address"); empty where it may be."""
    for form in forms(address):
        for network, what in FORBIDDEN:
            if form in network:
                return what if form == address else f"{what} ({form} inside {address})"
    return ""


@lru_cache(maxsize=4096)
def is_private(address: Address) -> bool:
    """Whether the address, or one inside it, is loopback, private or otherwise not on the internet."""
    return any(form in network for form in forms(address) for network in PRIVATE)
