"""Attempts to sign in are counted by address and by account, in the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app.access import people, signin_limits
from app.access.actors import COMMAND_LINE
from app.access.signin_limits import network_of
from app.store.accounts import SigninCount, User
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from tests.conftest import PASSWORD


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """Five attempts a minute by address, three failures by account."""
    return app_with(signin_limit=5, signin_failures=3, trusted_proxies=1)


def try_as(app: Flask, email: str, password: str = "not the password", address: str = "192.0.2.1") -> int:
    """The status of signing in from an address."""
    typed = {"email": email, "password": password}
    answer = app.test_client().post("/signin", data=typed, headers={"X-Forwarded-For": address})
    if answer.status_code == 429:
        assert 1 <= int(answer.headers["Retry-After"]) <= 900 and "Too many attempts" in answer.text
    return answer.status_code


def later(app: Flask, age: timedelta) -> None:
    """Let time pass for every count."""
    with app.app_context():
        db.session.execute(update(SigninCount).values(since=now() - age))
        db.session.commit()


@pytest.mark.both_databases
def test_an_account_is_tried_so_often_from_wherever(app: Flask, viewer: FlaskClient) -> None:
    statuses = [try_as(app, "viewer@example.com", address=f"192.0.2.{n}") for n in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert try_as(app, "Viewer@Example.com ", PASSWORD, "192.0.2.9") == 429
    later(app, timedelta(minutes=16))
    assert try_as(app, "viewer@example.com", PASSWORD) == 303


def test_an_account_that_does_not_exist_is_counted_alike(app: Flask) -> None:
    statuses = [try_as(app, "nobody@example.com", address=f"192.0.2.{n}") for n in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_other_accounts_go_on(app: Flask, viewer: FlaskClient, editor: FlaskClient) -> None:
    for number in range(4):
        try_as(app, "viewer@example.com", address=f"192.0.2.{number}")
    assert try_as(app, "editor@example.com", PASSWORD) == 303


def test_getting_in_forgets_the_failures(app: Flask, viewer: FlaskClient) -> None:
    for password in ("wrong", "wrong", PASSWORD, "wrong", "wrong"):
        try_as(app, "viewer@example.com", password)
    later(app, timedelta(minutes=2))
    assert try_as(app, "viewer@example.com", PASSWORD) == 303


def test_an_address_may_try_so_often_a_minute(app: Flask, viewer: FlaskClient) -> None:
    assert [try_as(app, f"{n}@example.com") for n in range(6)] == [401] * 5 + [429]
    assert try_as(app, "viewer@example.com", PASSWORD, "192.0.2.7") == 303
    later(app, timedelta(seconds=61))
    assert try_as(app, "viewer@example.com", PASSWORD) == 303


def test_a_caller_with_a_whole_network_of_addresses_is_one(app: Flask, viewer: FlaskClient) -> None:
    """Of IPv6 everybody has a /64 at least: each address of it would else have attempts of its own."""
    tries = [try_as(app, f"{n}@example.com", address=f"2001:db8:1:2::{n}") for n in range(6)]
    assert tries == [401] * 5 + [429]
    assert try_as(app, "viewer@example.com", PASSWORD, "2001:db8:1:3::1") == 303


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("unix", "unix"),
        (None, "None"),
    ],
)
def test_what_an_address_counts_as(address: str | None, counts_as: str) -> None:
    assert network_of(address) == counts_as


def test_another_process_counts_along(app_with: Callable[..., Flask], app: Flask) -> None:
    other = app_with(signin_limit=5, signin_failures=3, trusted_proxies=1)
    statuses = [try_as(each, "nobody@example.com") for each in (app, other, app, other)]
    assert statuses == [401, 401, 401, 429]


@pytest.mark.both_databases
def test_many_at_once_get_no_further(app: Flask) -> None:
    def take(_number: int) -> bool:
        with app.app_context():
            return signin_limits.take_account("a@example.com").wait_s == 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 3


def test_a_new_password_from_an_administrator_lets_in_at_once(app: Flask, viewer: FlaskClient) -> None:
    for number in range(4):
        try_as(app, "viewer@example.com", address=f"192.0.2.{number}")
    with app.app_context():
        user = User.by_email("viewer@example.com")
        assert user is not None
        people.set_password(user, "another good password", COMMAND_LINE)
    assert try_as(app, "viewer@example.com", "another good password") == 303


def test_guessing_the_password_in_an_open_session_counts_too(app: Flask, viewer: FlaskClient) -> None:
    typed = {"old": "a guess", "new": "another good password", "again": "another good password"}
    assert [viewer.post("/account", data=typed).status_code for _ in range(4)] == [400] * 3 + [429]


def test_sign_ins_are_on_record_without_what_was_typed(app: Flask, viewer: FlaskClient) -> None:
    try_as(app, "my secret password")
    for number in range(5):
        try_as(app, "viewer@example.com", address=f"192.0.2.{number}")
    later(app, timedelta(minutes=16))
    try_as(app, "viewer@example.com", PASSWORD)
    with app.app_context():
        query = select(AuditEvent.actor, AuditEvent.action, AuditEvent.subject).order_by(AuditEvent.place)
        told = [tuple(row) for row in db.session.execute(query)]
        counted = db.session.execute(text("SELECT who FROM signin_counts")).scalars().all()
    failed = [
        (f"address:192.0.2.{number}", "user.signin_failed", "viewer@example.com") for number in range(3)
    ]
    assert told == [
        ("address:192.0.2.1", "user.signin_failed", ""),
        *failed,
        ("address:192.0.2.3", "user.signin_blocked", ""),
        ("user:viewer@example.com", "user.signed_in", ""),
    ]
    assert not any("secret" in who or "@" in who for who in counted)
