"""Every setting of Muster, once: its name, its type, its default and what it is for.

A setting `example` is read from `MUSTER_EXAMPLE`; a secret one also from the file that
`MUSTER_EXAMPLE_FILE` names. A wrong value stops the start with a sentence that names the setting.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from flask import current_app

from app.config_readers import (
    address_patterns,
    any_text,
    choice,
    database,
    file_path,
    flag,
    folder,
    integer,
    issuer_url,
    matching,
    off_or,
    pem_file,
    proxy,
    proxy_origins,
    role_table,
    seconds,
    some_of,
    web_url,
    words,
)
from app.operator_error import OperatorError
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits

PREFIX = "MUSTER_"
ROOT = Path(__file__).resolve().parent.parent
_IS_CHECKOUT = (ROOT / "pyproject.toml").exists()
RESOURCES = ROOT if _IS_CHECKOUT else ROOT / "app"
"""Where templates/ and static/ are: beside the program in a checkout, inside of an installed package."""
_DATA = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
INSTANCE = ROOT / "instance" if _IS_CHECKOUT else _DATA / "muster"
"""Never inside an installed package: an upgrade would take it away."""


class SettingError(OperatorError):
    """A setting has a value that can't be used; the text is one sentence for the person who set it."""


def _setting(read: Callable[[str], Any], default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"read": read, "help": help, "secret": secret})


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_LIMITS = Limits()
_ROLES = ("viewer", "editor", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The table of settings. Reading them from the environment is `load`."""

    # Where things are
    instance: Path = _setting(folder, INSTANCE, "folder of the embedded database and the keys")
    database_url: str = _setting(
        database, "", "postgresql:// URL; empty: SQLite in the instance folder", secret=True
    )
    workspace_id: str = _setting(
        matching(_UUID, "a UUID in lower case"),
        "01900000-0000-7000-8000-000000000001",
        "`owner` of every model",
    )
    workspace_key: str = _setting(
        matching(r"[a-z0-9][a-z0-9_-]{0,62}", "1 to 63 of a-z, 0-9, - and _"),
        "muster",
        "first part of every refId",
    )
    public_url: str = _setting(web_url, "", "where people reach this Muster; https makes cookies secure")
    security_contact: str = _setting(
        matching(r"|mailto:[^@\s]+@[^@\s]+|https://\S+", "a mailto: address or an https:// URL"),
        "",
        "whom to tell of a weakness: shown in /.well-known/security.txt",
    )
    doc_url: str = _setting(web_url, "", "page that error codes link to, as #code")

    # The web server
    host: str = _setting(any_text, "127.0.0.1", "address to listen on")
    port: int = _setting(integer(1, 65535), 8700, "port to listen on")
    workers: int = _setting(integer(1, 64), 2, "web processes")
    threads: int = _setting(
        integer(1, 1000), 256, "threads a web process; a registration holds one while it probes"
    )
    trusted_proxies: int = _setting(
        integer(0, 10), 0, "reverse proxies in front whose X-Forwarded-* is believed"
    )
    practice: bool = _setting(flag, False, "start the practice endpoint too")
    practice_port: int = _setting(integer(1, 65535), 8099, "port of the practice endpoint, on loopback only")
    log_level: str = _setting(choice("debug", "info", "warning", "error"), "info", "what is logged")

    # Who may do what
    secret_key: str = _setting(
        matching(r".{32,}", "at least 32 characters"),
        "",
        "signs sessions; empty: made in the instance folder",
        secret=True,
    )
    session_hours: int = _setting(
        integer(1, 24 * 90), 12, "hours until a signed-in browser must sign in again"
    )
    session_idle_hours: int = _setting(
        integer(1, 24 * 90), 4, "hours without use after which it must sign in again"
    )
    rate_limit: int = _setting(
        integer(0, 1_000_000),
        600,
        "requests a minute per token or address, counted over all machines on PostgreSQL; 0: no limit",
    )
    signin_limit: int = _setting(integer(0, 10_000), 10, "sign-in attempts a minute per address; 0: no limit")
    signin_failures: int = _setting(
        integer(0, 100),
        20,
        "failed sign-ins of an account in a quarter of an hour, and dry runs that find another secret; "
        "0: no limit",
    )
    probes_at_once: int = _setting(
        integer(1, 1000), 160, "requests of a web process that probe at once; at most 3/4 of its threads"
    )
    probes_per_caller: int = _setting(integer(1, 1000), 64, "of them for one token or person")
    totp_roles: tuple[str, ...] = _setting(
        some_of(*_ROLES),
        (),
        "roles whose people need a second factor, with commas between",
    )
    local_signin: bool = _setting(
        flag, True, "people may sign in with email and password; 0: only through the provider"
    )
    oidc_issuer: str = _setting(
        issuer_url, "", "OpenID Connect provider that people sign in through; empty: none"
    )
    oidc_client_id: str = _setting(any_text, "", "what the provider knows this Muster by")
    oidc_client_secret: str = _setting(
        any_text, "", "what it shows to the provider; empty: a public client, PKCE alone", secret=True
    )
    oidc_scopes: tuple[str, ...] = _setting(
        words, ("openid", "email", "profile"), "scopes to ask for, with commas between"
    )
    oidc_role_claim: str = _setting(
        any_text, "groups", "claim that gives the role; dots lead into it, as in realm_access.roles"
    )
    oidc_roles: tuple[tuple[str, str], ...] = _setting(
        role_table(*_ROLES), (), "which of its values give which role: admins=admin,ops=editor"
    )
    oidc_default_role: str = _setting(
        choice("none", *_ROLES), "none", "role of everybody else; none: they don't get in"
    )
    oidc_domains: tuple[str, ...] = _setting(
        words, (), "domains whose addresses get in, with commas between; empty: all"
    )
    audit_days: int = _setting(integer(0, 36_500), 730, "days for which the audit log is kept; 0: for good")
    audit_file: Path | None = _setting(file_path, None, "file that gets each audit event as a line of JSON")
    audit_syslog: str = _setting(
        matching(
            r"/\S+|udp://(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}", "udp://host:port or a socket such as /dev/log"
        ),
        "",
        "syslog that gets the same lines: udp://host:port or /dev/log",
    )
    public_catalogue: bool = _setting(
        flag, False, "anyone may read /catalogue; 0: only people who are signed in"
    )

    # Keys of endpoints
    encryption_keys: tuple[str, ...] = _setting(
        words,
        (),
        "base64 keys of 32 bytes, newest first; empty: a key ring in the instance folder",
        secret=True,
    )
    key_prefix: str = _setting(
        matching(r"[A-Z][A-Z0-9_]*_", "capitals, digits and _ with a _ at the end"),
        "MUSTER_KEY_",
        "an env://NAME key is allowed only where NAME starts with this",
    )

    # Import from LiteLLM
    litellm_base_url: str = _setting(
        web_url, "", "LiteLLM proxy of definitions without api_base, or with use_litellm_proxy"
    )
    litellm_api_key: str = _setting(
        matching(r"env://[A-Za-z0-9_]+", "a reference such as env://MUSTER_KEY_LITELLM"),
        "",
        "env://NAME of the key for that proxy",
    )

    # Which addresses may be contacted
    egress_private: bool = _setting(flag, True, "private and loopback addresses may be contacted")
    egress_allow: tuple[str, ...] = _setting(
        address_patterns, (), "networks and host patterns that alone are open; empty: all"
    )
    egress_deny: tuple[str, ...] = _setting(address_patterns, (), "networks and host patterns; deny wins")
    ca_bundle: str | None = _setting(pem_file, None, "PEM file trusted beside the system's certificates")
    proxy: str | None = _setting(proxy, None, "outgoing HTTP proxy for probes", secret=True)
    endpoint_proxies: tuple[str, ...] = _setting(
        proxy_origins,
        (),
        "HTTP proxies that an endpoint may name as its own, as http://host:port; empty: none",
    )

    # The bounds of a probe
    probe_connect_seconds: float = _setting(seconds(120), _LIMITS.connect_s, "seconds to connect")
    probe_first_byte_seconds: float = _setting(
        seconds(600), _LIMITS.first_byte_s, "seconds to the first byte of an answer"
    )
    probe_seconds: float = _setting(seconds(1800), _LIMITS.probe_s, "seconds for a whole probe")
    probe_check_seconds: float = _setting(seconds(600), _LIMITS.check_s, "seconds for one capability check")
    probe_wait_seconds: float = _setting(
        seconds(600), _LIMITS.wait_s, "seconds for one wait that an endpoint asks for"
    )
    probe_body_bytes: int = _setting(
        integer(1024, 1 << 30), _LIMITS.body_bytes, "bytes of an answer after decoding"
    )
    probe_header_bytes: int = _setting(
        integer(1024, 1 << 24), _LIMITS.header_bytes, "bytes of an answer's headers"
    )
    probe_calls_at_once: int = _setting(
        integer(1, 100), _LIMITS.calls_at_once, "calls to one endpoint at a time"
    )
    probe_proof_calls: int = _setting(integer(1, 50), _LIMITS.proof_calls, "calls for one proof")
    probe_tokens: int = _setting(
        integer(100, 100_000), _LIMITS.tokens, "tokens for a whole probe of a chat model"
    )
    probe_thinking_tokens: int = _setting(
        integer(100, 1_000_000), _LIMITS.thinking_tokens, "the same where the model thinks before it answers"
    )

    # The watch
    watch_seconds: int = _setting(
        off_or(5, 86_400), 300, "seconds between two looks at a model; 0: nobody looks"
    )
    watch_full_hours: int = _setting(
        off_or(1, 8760), 24, "hours between two whole probes of a model; 0: none"
    )
    watch_failures: int = _setting(integer(1, 20), 3, "failed looks in a row that take a model down")
    watch_tokens_per_day: int = _setting(
        integer(0, 1_000_000_000), 50_000, "tokens a day that the watch of a model may use"
    )
    watch_threads: int = _setting(integer(1, 256), 16, "looks at once of the watcher of `muster serve`")
    remind_hours: int = _setting(
        off_or(1, 720), 4, "hours after which an incident that nobody acknowledged is told again; 0: never"
    )
    metrics_public: bool = _setting(flag, False, "anybody may read /metrics; 0: only with a token")
    hide_down: bool = _setting(
        flag, False, "leave models that are down out of the catalogue and of /v1/models"
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
            endpoint_proxies=self.endpoint_proxies,
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
            thinking_tokens=self.probe_thinking_tokens,
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
    _require_a_way_in(loaded)
    return loaded


def _require_a_way_in(loaded: Settings) -> None:
    """SettingError where nobody could sign in with these settings."""
    if loaded.oidc_issuer and not loaded.oidc_client_id:
        raise SettingError("MUSTER_OIDC_ISSUER needs MUSTER_OIDC_CLIENT_ID: what the provider knows it by.")
    if not loaded.local_signin and not loaded.oidc_issuer:
        raise SettingError("MUSTER_LOCAL_SIGNIN=0 needs MUSTER_OIDC_ISSUER: nobody could sign in.")


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
    known |= {"MUSTER_URL", "MUSTER_TOKEN"}  # of the command line, for a Muster elsewhere
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
    if chosen.secret_key or path.exists():
        return
    # Written aside and linked: of two that start at once both read the one that was first, and a whole one.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:
        draft.write(secrets.token_hex(32) + "\n")
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, path)


def markdown() -> str:
    """The table of settings as the README shows it."""
    lines = ["| setting | default | what it is for |", "|---|---|---|"]
    for row in fields(Settings):
        lines.append(f"| `{variable(row)}` | {_shown_default(row)} | {row.metadata['help']} |")
    return "\n".join(lines)


def _shown_default(row: Field[Any]) -> str:
    if row.name == "instance":
        return "`instance` beside the program; installed: `~/.local/share/muster`"
    if row.default in ("", (), None):
        return ""
    if isinstance(row.default, tuple):
        return f"`{','.join(row.default)}`"
    return f"`{int(row.default) if isinstance(row.default, bool) else row.default}`"
