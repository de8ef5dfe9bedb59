"""One reader for each kind of setting: text in, a value or a SettingError out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from app.probe.transport.egress.rules import is_no_proxy, origin_of_proxy


def any_text(value: str) -> str:
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def off_or(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or int(value) != 0 and not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}, or 0 for off")
        return int(value)

    return read


def seconds(high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value) or not 0 < float(value) <= high:
            raise ValueError(f"a number of seconds above 0 and at most {high:g}")
        return float(value)

    return read


def flag(value: str) -> bool:
    known = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if value.lower() not in known:
        raise ValueError("1 or 0")
    return known[value.lower()]


def choice(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value.lower()

    return read


def some_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    def read(value: str) -> tuple[str, ...]:
        chosen = tuple(word.lower() for word in words(value))
        if set(chosen) - set(choices):
            raise ValueError("some of " + ", ".join(choices))
        return chosen

    return read


def matching(pattern: str, wanted: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    return read


def folder(value: str) -> Path:
    if not value:
        raise ValueError("the path of a folder")
    return Path(value).expanduser().resolve()


def file_path(value: str) -> Path:
    path = folder(value)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError("the path of a file in a folder that is there")
    return path


def pem_file(value: str) -> str | None:
    if not value:
        return None
    try:
        text = Path(value).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ValueError(f"a PEM file that can be read ({error.strerror})") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError("a PEM file with at least one certificate")
    return str(Path(value).expanduser().resolve())


def database(value: str) -> str:
    if not value:
        return ""
    scheme, colon, rest = value.partition(":")
    if not colon or not rest.startswith("//"):
        raise ValueError("a database URL such as postgresql://user:password@host/muster")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg"
    if scheme not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("a postgresql:// or sqlite:/// URL")
    return f"{scheme}:{rest}"


def web_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("an http or https URL with a host")
    return value.rstrip("/")


def issuer_url(value: str) -> str:
    """The address of an OpenID Connect provider: https, on this machine also http (Discovery 1.0, 3)."""
    parts, url = urlsplit(value), web_url(value)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if url and (parts.query or parts.fragment or parts.scheme != "https" and not loopback):
        raise ValueError("an https URL without ? and # (http only for a provider on this machine)")
    return url


def role_table(*roles: str) -> Callable[[str], tuple[tuple[str, str], ...]]:
    """Pairs such as admins=admin,ops=editor; the value before the last = may hold any sign but a comma."""

    def read(value: str) -> tuple[tuple[str, str], ...]:
        pairs = [pair.rpartition("=") for pair in words(value)]
        if any(not name.strip() or role.strip().lower() not in roles for name, _, role in pairs):
            raise ValueError(f"pairs such as admins=admin,ops=editor with the roles {', '.join(roles)}")
        return tuple((name.strip(), role.strip().lower()) for name, _, role in pairs)

    return read


def proxy(value: str) -> str | None:
    return web_url(value) or None


def proxy_origins(value: str) -> tuple[str, ...]:
    """Addresses of proxies such as http://proxy.example:3128, without a name or password."""
    given = words(value)
    if any(is_no_proxy(url) or "@" in url for url in given):
        raise ValueError("addresses such as http://proxy.example:3128, separated by commas")
    return tuple(origin_of_proxy(url) for url in given)


def address_patterns(value: str) -> tuple[str, ...]:
    """Networks (10.0.0.0/8, fd00::/8, one address) and host patterns (*.example.com)."""
    patterns = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    for pattern in patterns:
        if not _is_network(pattern) and not re.fullmatch(r"[a-z0-9*?_.-]+", pattern):
            raise ValueError(
                f"networks and host patterns, separated by commas (this is neither: {pattern!r})"
            )
    return patterns


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def words(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
