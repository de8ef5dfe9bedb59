"""`/.well-known/security.txt` says what RFC 9116 asks for, and only where the operator gave a contact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient


def test_it_names_contact_and_a_time_to_come(app_with: Callable[..., Flask]) -> None:
    app = app_with(security_contact="mailto:security@example.com", public_url="https://muster.example.com")
    answer = app.test_client().get("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert answer.mimetype == "text/plain" and fields["Contact"] == "mailto:security@example.com"
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=366)
    assert fields["Canonical"] == "https://muster.example.com/.well-known/security.txt"


def test_without_a_contact_there_is_none(client: FlaskClient) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
