"""Settings: read once, typed; a wrong one stops the start with a sentence that names it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.config import ROOT, SettingError, Settings, load, markdown, unknown, variable

WRONG = {
    "MUSTER_PORT": "http",
    "MUSTER_WORKERS": "0",
    "MUSTER_THREADS": "many",
    "MUSTER_RATE_LIMIT": "-1",
    "MUSTER_LOG_LEVEL": "loud",
    "MUSTER_DATABASE_URL": "mysql://localhost/muster",
    "MUSTER_WORKSPACE_ID": "house",
    "MUSTER_WORKSPACE_KEY": "a/b",
    "MUSTER_PUBLIC_URL": "muster.example.com",
    "MUSTER_SECRET_KEY": "short",
    "MUSTER_KEY_PREFIX": "key",
    "MUSTER_EGRESS_PRIVATE": "perhaps",
    "MUSTER_EGRESS_ALLOW": "10.0.0.0/8, not a host!",
    "MUSTER_CA_BUNDLE": "/does/not/exist.pem",
    "MUSTER_PROBE_SECONDS": "0",
    "MUSTER_PROBE_BODY_BYTES": "1.5",
    "MUSTER_TRUSTED_PROXIES": "yes",
}


def test_without_any_variable_there_are_defaults() -> None:
    assert load({}) == Settings()


def test_every_setting_is_read() -> None:
    """One that nothing reads would be set in vain."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py")]
    read = {name for text in texts for name in re.findall(r"\.(\w+)", text)}
    assert {field.name for field in fields(Settings)} - read == set()


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load({"MUSTER_PORT": " "}).port == Settings().port


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} must be ") as caught:
        load({name: WRONG[name]})
    assert "\n" not in str(caught.value)


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingError) as caught:
        load({"MUSTER_SECRET_KEY": "hush-hush"})
    assert "hush" not in str(caught.value)


def test_the_values_are_typed() -> None:
    read = load(
        {
            "MUSTER_PORT": "9000",
            "MUSTER_EGRESS_PRIVATE": "0",
            "MUSTER_EGRESS_DENY": "10.0.0.0/8, *.internal",
            "MUSTER_PROBE_SECONDS": "7.5",
            "MUSTER_ENDPOINT_PROXIES": "http://Proxy.Example, http://[fd00::1]:3128/",
        }
    )
    assert read.egress.endpoint_proxies == ("http://proxy.example:80", "http://[fd00::1]:3128")
    assert (read.port, read.egress_private, read.limits.probe_s) == (9000, False, 7.5)
    assert read.egress.deny == ("10.0.0.0/8", "*.internal")
    assert read.egress.own == (("127.0.0.1", 9000),)


@pytest.mark.parametrize("url", ["proxy.example:3128", "https://p", "http://ops:word@p:1", "http://p/x"])
def test_a_proxy_of_endpoints_is_named_without_path_or_password(url: str) -> None:
    with pytest.raises(SettingError, match="MUSTER_ENDPOINT_PROXIES must be addresses such as"):
        load({"MUSTER_ENDPOINT_PROXIES": url})


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 40 + "\n")
    assert load({"MUSTER_SECRET_KEY_FILE": str(tmp_path / "secret")}).secret_key == "s" * 40


def test_a_secret_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="^MUSTER_SECRET_KEY_FILE names a file that can't be read"):
        load({"MUSTER_SECRET_KEY_FILE": str(tmp_path / "secret")})


def test_a_secret_given_twice(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 40)
    with pytest.raises(SettingError, match="both set"):
        load({"MUSTER_SECRET_KEY_FILE": str(tmp_path / "secret"), "MUSTER_SECRET_KEY": "s" * 40})


def test_only_secrets_come_from_files() -> None:
    assert unknown({"MUSTER_PORT_FILE": "x"}, "MUSTER_KEY_") == ["MUSTER_PORT_FILE"]


def test_typing_errors_are_found_and_keys_of_endpoints_are_none() -> None:
    environ = {"MUSTER_PROT": "1", "MUSTER_KEY_GROQ": "x", "MUSTER_SECRET_KEY_FILE": "f", "PATH": "/bin"}
    assert unknown(environ, "MUSTER_KEY_") == ["MUSTER_PROT"]


def test_the_prefix_of_keys_may_not_reach_the_secrets() -> None:
    with pytest.raises(SettingError, match="MUSTER_KEY_PREFIX must not cover"):
        load({"MUSTER_KEY_PREFIX": "MUSTER_"})


def test_secrets_are_not_in_the_repr() -> None:
    read = load({"MUSTER_SECRET_KEY": "s" * 40, "MUSTER_DATABASE_URL": "postgresql://u:hush@db/m"})
    assert "sss" not in repr(read) and "hush" not in repr(read)
    assert read.database == "postgresql+psycopg://u:hush@db/m"


def test_the_readme_shows_every_setting() -> None:
    """Where one is missing: .venv/bin/python -m tests.docs.making"""
    assert markdown() in (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(variable(row) in markdown() for row in fields(Settings))
