"""What the audit log is told of a change of an endpoint: every thing by its name, no secret by its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.probe.values import EndpointSettings, Target
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints.differences import HIDDEN, differences
from app.store.base import db

KEY, URL = "sk-live-0123456789abcdefghij", "https://llm.example.com/v1"
PROXY = "http://ops:pass-1@proxy.example:3128"
GOOD = EndpointSettings(headers=(("X-Team", "secret-1"),), ca_pem="ca-1", proxy=PROXY)


def told(app: Flask, target: Target, key: str = KEY) -> dict[str, Any]:
    """What a change to this target is told as."""
    with app.app_context():
        before = endpoints.found_or_made(Target(URL, KEY, "", GOOD), KEY)
        db.session.commit()
        return differences(before, target, key)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, {}),
        ({"auth_header": "api-key"}, {"auth_header": ["Authorization", "api-key"]}),
        ({"auth_scheme": ""}, {"auth_scheme": ["Bearer", ""]}),
        ({"ca_pem": "ca-2"}, {"ca_pem": HIDDEN}),
        ({"headers": (("X-Team", "secret-2"),)}, {"headers": HIDDEN}),
        ({"headers": (("X-Zone", "secret-1"),)}, {"headers": [["X-Team"], ["X-Zone"]]}),
        ({"proxy": PROXY.replace("pass-1", "pass-2")}, {"proxy": HIDDEN}),
        ({"proxy": "http://127.0.0.1:1"}, {"proxy": ["http://proxy.example:3128", "http://127.0.0.1:1"]}),
        ({"proxy": ""}, {"proxy": ["http://proxy.example:3128", None]}),
    ],
)
def test_each_setting_is_told_by_its_name(app: Flask, change: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = told(app, Target(URL, KEY, "", replace(GOOD, **change)))
    assert found == wanted
    assert not any(secret in str(found) for secret in ("secret-", "pass-", "ca-1", "ca-2"))


def test_another_client_certificate_is_told(app: Flask) -> None:
    with app.app_context():
        before = endpoints.found_or_made(Target(URL, KEY, "", GOOD), KEY)
        db.session.commit()
        after = replace(GOOD, client_certificate="-----BEGIN private-words")
        assert differences(before, Target(URL, KEY, "", after), KEY) == {"client_certificate_pem": HIDDEN}


def test_another_key_and_another_url_are_told_without_their_secrets(app: Flask) -> None:
    found = told(app, Target(URL + "?key=query-secret", "sk-2", "", GOOD), "sk-2")
    assert found == {"base_url": [URL, URL + "?key=…"], "api_key": HIDDEN}
