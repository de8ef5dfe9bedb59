"""Every setting of Muster, once: its name, its type, its default and what it is for.

A setting `example` is read from `MUSTER_EXAMPLE`; a secret one also from the file that
`MUSTER_EXAMPLE_FILE` names. A wrong value stops the start with a sentence that names the setting.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.probe.rules import EgressRules
from app.probe.types import Limits

PREFIX = "MUSTER_"
ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting has a value that can't be used; the text is one sentence for the person who set it."""


def _text(value: str) -> str:
    return value


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def _seconds(high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value) or not 0 < float(value) <= high:
            raise ValueError(f"a number of seconds above 0 and at most {high:g}")
        return float(value)

    return read


def _flag(value: str) -> bool:
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


def _choice(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value.lower()

    return read


def _matching(pattern: str, wanted: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    return read


def _path(value: str) -> Path:
    if not value:
        raise ValueError("the path of a folder")
    return Path(value).expanduser().resolve()


def _pem_file(value: str) -> str | None:
    if not value:
        return None
    try:
        text = Path(value).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ValueError(f"a PEM file that can be read ({error.strerror})") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError("a PEM file with at least one certificate")
    return str(Path(value).expanduser().resolve())


def _database(value: str) -> str:
    if not value:
        return ""
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ValueError("a database URL such as postgresql://user:password@host/muster") from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("a postgresql:// or sqlite:/// URL")
    return url.render_as_string(hide_password=False)


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("an http or https URL with a host")
    return value.rstrip("/")


def _proxy(value: str) -> str | None:
    return _web_url(value) or None


def _address_patterns(value: str) -> tuple[str, ...]:
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


def _words(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _setting(read: Callable[[str], Any], default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"read": read, "help": help, "secret": secret})


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The table of settings. Reading them from the environment is `load`."""

    # Where things are
    instance: Path = _setting(_path, ROOT / "instance", "folder of the embedded database and the keys")
    database_url: str = _setting(
        _database, "", "postgresql:// URL; empty: SQLite in the instance folder", secret=True
    )
    workspace_id: str = _setting(
        _matching(_UUID, "a UUID in lower case"),
        "01900000-0000-7000-8000-000000000001",
        "`owner` of every model",
    )
    workspace_key: str = _setting(
        _matching(r"[a-z0-9][a-z0-9_-]{0,62}", "1 to 63 of a-z, 0-9, - and _"),
        "muster",
        "first part of every refId",
    )
    public_url: str = _setting(_web_url, "", "where people reach this Muster; https makes cookies secure")
    doc_url: str = _setting(_web_url, "", "page that error codes link to, as #code")

    # The web server
    host: str = _setting(_text, "127.0.0.1", "address to listen on")
    port: int = _setting(_integer(1, 65535), 8700, "port to listen on")
    workers: int = _setting(_integer(1, 64), 2, "web processes")
    threads: int = _setting(
        _integer(1, 1000), 256, "threads a web process; a registration holds one while it probes"
    )
    trusted_proxies: int = _setting(
        _integer(0, 10), 0, "reverse proxies in front whose X-Forwarded-* is believed"
    )
    practice: bool = _setting(_flag, False, "start the practice endpoint too")
    practice_port: int = _setting(_integer(1, 65535), 8099, "port of the practice endpoint, on loopback only")
    log_level: str = _setting(_choice("debug", "info", "warning", "error"), "info", "what is logged")

    # Who may do what
    secret_key: str = _setting(
        _matching(r".{32,}", "at least 32 characters"),
        "",
        "signs sessions; empty: made in the instance folder",
        secret=True,
    )
    session_hours: int = _setting(
        _integer(1, 24 * 90), 12, "hours until a signed-in browser must sign in again"
    )
    rate_limit: int = _setting(
        _integer(0, 1_000_000), 600, "requests a minute per token or address; 0: no limit"
    )
    signin_limit: int = _setting(
        _integer(0, 10_000), 10, "sign-in attempts a minute per address; 0: no limit"
    )
    public_catalogue: bool = _setting(_flag, False, "anybody may read /catalogue; 0: only who is signed in")

    # Keys of endpoints
    encryption_keys: tuple[str, ...] = _setting(
        _words,
        (),
        "base64 keys of 32 bytes, the newest first; empty: a key ring in the instance folder",
        secret=True,
    )
    key_prefix: str = _setting(
        _matching(r"[A-Z][A-Z0-9_]*_", "capitals, digits and _ with a _ at the end"),
        "MUSTER_KEY_",
        "an env://NAME key is allowed only where NAME starts with this",
    )

    # Import from LiteLLM
    litellm_base_url: str = _setting(
        _web_url, "", "LiteLLM proxy of definitions without api_base, or with use_litellm_proxy"
    )
    litellm_api_key: str = _setting(
        _matching(r"env://[A-Za-z0-9_]+", "a reference such as env://MUSTER_KEY_LITELLM"),
        "",
        "env://NAME of the key for that proxy",
    )

    # Which addresses may be contacted
    egress_private: bool = _setting(_flag, True, "private and loopback addresses may be contacted")
    egress_allow: tuple[str, ...] = _setting(
        _address_patterns, (), "networks and host patterns that alone are open; empty: all"
    )
    egress_deny: tuple[str, ...] = _setting(_address_patterns, (), "networks and host patterns; deny wins")
    ca_bundle: str | None = _setting(_pem_file, None, "PEM file trusted beside the system's certificates")
    proxy: str | None = _setting(_proxy, None, "outgoing HTTP proxy for probes", secret=True)

    # The bounds of a probe
    probe_connect_seconds: float = _setting(_seconds(120), _LIMITS.connect_s, "seconds to connect")
    probe_first_byte_seconds: float = _setting(
        _seconds(600), _LIMITS.first_byte_s, "seconds to the first byte of an answer"
    )
    probe_seconds: float = _setting(_seconds(1800), _LIMITS.probe_s, "seconds for a whole probe")
    probe_check_seconds: float = _setting(_seconds(600), _LIMITS.check_s, "seconds for one capability check")
    probe_wait_seconds: float = _setting(
        _seconds(600), _LIMITS.wait_s, "seconds for one wait that an endpoint asks for"
    )
    probe_body_bytes: int = _setting(
        _integer(1024, 1 << 30), _LIMITS.body_bytes, "bytes of an answer after decoding"
    )
    probe_header_bytes: int = _setting(
        _integer(1024, 1 << 24), _LIMITS.header_bytes, "bytes of an answer's headers"
    )
    probe_calls_at_once: int = _setting(
        _integer(1, 100), _LIMITS.calls_at_once, "calls to one endpoint at a time"
    )
    probe_proof_calls: int = _setting(_integer(1, 50), _LIMITS.proof_calls, "calls for one proof")
    probe_tokens: int = _setting(
        _integer(100, 100_000), _LIMITS.tokens, "tokens for a whole probe of a chat model"
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.instance / 'muster.sqlite'}"

    @property
    def practice_url(self) -> str:
        """The base URL of the practice endpoint, "" where it is not started."""
        return f"http://127.0.0.1:{self.practice_port}/v1" if self.practice else ""

    @property
    def egress(self) -> EgressRules:
        """The address rules of a probe; Muster's own address is never contacted."""
        return EgressRules(
            private=self.egress_private,
            allow=self.egress_allow,
            deny=self.egress_deny,
            own=((self.host, self.port),),
            ca_bundle=self.ca_bundle,
            proxy=self.proxy,
        )

    @property
    def limits(self) -> Limits:
        """The bounds of a probe as the probe takes them."""
        return Limits(
            connect_s=self.probe_connect_seconds,
            first_byte_s=self.probe_first_byte_seconds,
            probe_s=self.probe_seconds,
            check_s=self.probe_check_seconds,
            wait_s=self.probe_wait_seconds,
            body_bytes=self.probe_body_bytes,
            header_bytes=self.probe_header_bytes,
            calls_at_once=self.probe_calls_at_once,
            proof_calls=self.probe_proof_calls,
            tokens=self.probe_tokens,
        )


def settings() -> Settings:
    """The settings of the application that is current."""
    return cast(Settings, current_app.config["MUSTER"])


def variable(row: Field[Any]) -> str:
    """The environment variable of a row of the table."""
    return PREFIX + row.name.upper()


def load(environ: Mapping[str, str]) -> Settings:
    """Read every setting from the environment; SettingError names the first that can't be used."""
    given = {}
    for row in fields(Settings):
        text = _given(row, environ)
        if text is not None:
            given[row.name] = _read(row, text)
    loaded = Settings(**given)
    for row in fields(Settings):
        if row.metadata["secret"] and variable(row).startswith(loaded.key_prefix):
            raise SettingError(f"MUSTER_KEY_PREFIX must not cover the secret setting {variable(row)}.")
    return loaded


def load_with(overrides: Mapping[str, Any]) -> Settings:
    """The settings of this process's environment, with those in `overrides` replaced by typed values."""
    rows = {row.name for row in fields(Settings)}
    return replace(load(os.environ), **{name: value for name, value in overrides.items() if name in rows})


def origins(environ: Mapping[str, str], overrides: Mapping[str, Any]) -> dict[str, str]:
    """Where the value of each setting (by its field's name) comes from, in words for people."""
    return {row.name: _origin(row, environ, overrides) for row in fields(Settings)}


def _origin(row: Field[Any], environ: Mapping[str, str], overrides: Mapping[str, Any]) -> str:
    name = variable(row)
    if row.name in overrides:
        return "command line"
    if row.metadata["secret"] and name + "_FILE" in environ:
        return f"file {environ[name + '_FILE']}"
    return "environment" if environ.get(name, "").strip() else "default"


def unknown(environ: Mapping[str, str], key_prefix: str) -> list[str]:
    """Names that look like settings and are none: most likely typing errors."""
    known = {variable(row) for row in fields(Settings)}
    known |= {variable(row) + "_FILE" for row in fields(Settings) if row.metadata["secret"]}
    return sorted(
        name
        for name in environ
        if name.startswith(PREFIX) and name not in known and not name.startswith(key_prefix)
    )


def _given(row: Field[Any], environ: Mapping[str, str]) -> str | None:
    name = variable(row)
    file = environ.get(name + "_FILE") if row.metadata["secret"] else None
    if file is None:
        text = environ.get(name)
        return None if text is None or not text.strip() else text.strip()
    if name in environ:
        raise SettingError(f"{name} and {name}_FILE are both set; set only one of them.")
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingError(f"{name}_FILE names a file that can't be read: {file} ({reason}).") from error


def _read(row: Field[Any], text: str) -> Any:
    try:
        return row.metadata["read"](text)
    except ValueError as error:
        shown = "the value given" if row.metadata["secret"] else repr(text)
        raise SettingError(f"{variable(row)} must be {error}; {shown} is not.") from error


def secret_path(chosen: Settings) -> Path:
    """Where the secret that signs sessions is kept unless the settings hold it."""
    return chosen.instance / "secret_key"


def ensure_secret(chosen: Settings) -> None:
    """Make the secret that signs sessions unless there is one."""
    path = secret_path(chosen)
    if not chosen.secret_key and not path.exists():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")


def markdown() -> str:
    """The table of settings as the README shows it."""
    lines = ["| setting | default | what it is for |", "|---|---|---|"]
    for row in fields(Settings):
        lines.append(f"| `{variable(row)}` | {_shown_default(row)} | {row.metadata['help']} |")
    return "\n".join(lines)


def _shown_default(row: Field[Any]) -> str:
    if row.name == "instance":
        return "`instance` beside the program"
    if row.default in ("", (), None):
        return ""
    return f"`{int(row.default) if isinstance(row.default, bool) else row.default}`"
