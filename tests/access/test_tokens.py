"""A token belongs to its maker: it never does more than their role, and ends with them or on its day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import downgrade, upgrade
from sqlalchemy import text, update

from app.access import people, tokens
from app.access.actors import COMMAND_LINE, AccessError
from app.store.accounts import Token, User
from app.store.base import db, now
from tests.web.pages.test_tokens import made


def calls(app: Flask, sent: str, path: str = "/v2/models", method: str = "GET") -> int:
    """The status of a call with this token."""
    return (
        app.test_client()
        .open(
            path,
            method=method,
            headers={"Authorization": f"Bearer {sent}"},
            json={} if method != "GET" else None,
        )
        .status_code
    )


@pytest.fixture
def maker(app: Flask, admin: FlaskClient) -> str:
    """The id of the administrator who makes tokens, beside another one."""
    with app.app_context():
        db.session.add(User(email="second@example.com", role="admin", password_hash="-"))
        db.session.commit()
        user = User.by_email("admin@example.com")
        assert user is not None
        return user.id


@pytest.mark.parametrize(
    ("role", "reads", "writes", "keys"),
    [("admin", 200, 400, 404), ("editor", 200, 400, 403), ("viewer", 200, 403, 403)],
)
def test_it_does_no_more_than_its_makers_role_now(
    app: Flask, admin: FlaskClient, maker: str, role: str, reads: int, writes: int, keys: int
) -> None:
    _, sent = made(admin, scopes=["admin", "credentials"])
    with app.app_context():
        people.set_role(maker, role, COMMAND_LINE)
    new = ("/v2/models/openai-like", "POST")
    assert (calls(app, sent), calls(app, sent, *new)) == (reads, writes)
    assert calls(app, sent, "/v2/models/none/credentials") == keys


def test_it_rests_while_its_maker_is_shut_out(app: Flask, admin: FlaskClient, maker: str) -> None:
    _, sent = made(admin)
    for active, status in ((False, 401), (True, 200)):
        with app.app_context():
            people.set_active(maker, COMMAND_LINE, active=active)
        assert calls(app, sent) == status


@pytest.mark.both_databases
def test_it_ends_with_its_maker(app: Flask, admin: FlaskClient, maker: str, token: str) -> None:
    _, sent = made(admin)
    with app.app_context():
        people.remove(maker, COMMAND_LINE)
    assert calls(app, sent) == 401
    assert calls(app, token) == 200  # of the command line: it ends with nobody


@pytest.mark.parametrize(("left", "status"), [(timedelta(seconds=60), 200), (timedelta(seconds=-1), 401)])
def test_it_ends_on_its_day(app: Flask, token: str, left: timedelta, status: int) -> None:
    with app.app_context():
        db.session.execute(update(Token).values(expires=now() + left))
        db.session.commit()
    assert calls(app, token) == status


@pytest.mark.parametrize(
    ("span", "length"),
    [("12h", timedelta(hours=12)), ("90d", timedelta(days=90)), (" 4W ", timedelta(weeks=4))],
)
def test_spans_of_time(span: str, length: timedelta) -> None:
    assert abs(tokens.expiry_of(span) - now() - length) < timedelta(seconds=5)


@pytest.mark.parametrize("span", ["", "90", "0d", "-1d", "1.5d", "d", "90 days", "9999w", "１d"])
def test_what_is_no_span_of_time(span: str) -> None:
    with pytest.raises(AccessError, match="no span of time"):
        tokens.expiry_of(span)


@pytest.mark.both_databases
def test_reading_neither_waits_nor_fails_while_another_holds_the_database(app: Flask, token: str) -> None:
    """Its last use is then not noted, and that is all."""
    with app.app_context(), db.engine.connect() as other:
        other.execute(text("UPDATE tokens SET name = 'held'"))
        before = now()
        assert calls(app, token) == 200
        assert now() - before < timedelta(seconds=2)
        other.rollback()
        assert Token.newest()[0].last_used is None
        assert calls(app, token) == 200
        db.session.expire_all()
        assert Token.newest()[0].last_used is not None


@pytest.mark.both_databases
def test_the_migration_gives_tokens_to_their_makers(app: Flask, admin: FlaskClient, token: str) -> None:
    """Those of people who are gone end, those of the command line go on."""
    _, kept = made(admin)
    with app.app_context():
        _, orphaned = tokens.create_token("orphan", ["read"], "user:gone@example.com")
        db.session.commit()
        db.session.remove()
        downgrade(revision="0006")
        upgrade()
    assert [calls(app, sent) for sent in (kept, orphaned, token)] == [200, 401, 200]
    with app.app_context():
        by_name = {row.name: row for row in Token.newest()}
        assert by_name["ci"].user_id and by_name["orphan"].revoked and not by_name["test write"].user_id
