"""Checks of a registered model, repeated."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

JSON = Any


@pytest.fixture
def url(client: FlaskClient, auth: dict[str, str], good: dict[str, Any]) -> str:
    """The address of the probes of a registered model."""
    made = client.post("/v2/models/openai-like?depth=proof", json=good, headers=auth).json
    assert made is not None
    return f"/v2/models/{made['id']}/probes"


def test_a_repeated_check_is_in_the_report(client: FlaskClient, auth: dict[str, str], url: str) -> None:
    report = client.post(f"{url}?repeat=3&checks=tool_calling,json_mode", headers=auth).json
    assert report is not None and report["verdict"] == "accepted"
    told = [(one["check"], one["passed"], one["runs"]) for one in report["reliability"]]
    assert told == [("tool_calling", 3, 3), ("json_mode", 3, 3)]
    assert client.get(f"/v2/probes/{report['id']}", headers=auth).json == report


def test_a_plain_probe_has_none(client: FlaskClient, auth: dict[str, str], url: str) -> None:
    assert "reliability" not in (client.post(f"{url}?depth=proof", headers=auth).json or {})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("repeat=1", "repeat"),
        ("repeat=51", "repeat"),
        ("repeat=x", "repeat"),
        ("checks=vision", "checks"),
        ("repeat=3&checks=telepathy", "checks"),
    ],
)
def test_what_can_not_be_repeated(
    client: FlaskClient, auth: dict[str, str], url: str, query: str, field: str
) -> None:
    answer = client.post(f"{url}?{query}", headers=auth)
    assert answer.status_code == 400 and answer.json and answer.json["error"]["field"] == field
