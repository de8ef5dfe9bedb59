"""Sessions are rows: whatever ends one ends it at once, for every copy of its cookie."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app.access import people, sessions
from app.access.actors import COMMAND_LINE
from app.store.accounts import BrowserSession, User
from app.store.base import db, now


def copied(app: Flask, browser: FlaskClient) -> FlaskClient:
    """Another browser with the same cookie."""
    cookie = browser.get_cookie("muster")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("muster", cookie.value)
    assert is_in(thief)
    return thief


def is_in(browser: FlaskClient) -> bool:
    """Whether the browser is signed in."""
    return browser.get("/account").status_code == 200


def set_age(app: Flask, **columns: timedelta) -> None:
    """Move times of every session into the past."""
    with app.app_context():
        moved = {name: now() - age for name, age in columns.items()}
        db.session.execute(update(BrowserSession).values(moved))
        db.session.commit()


@pytest.mark.both_databases
def test_signing_out_ends_a_copied_cookie_too(app: Flask, viewer: FlaskClient) -> None:
    thief = copied(app, viewer)
    viewer.post("/signout")
    assert not is_in(thief)


def test_signing_out_ends_no_other_session(app: Flask, viewer: FlaskClient, editor: FlaskClient) -> None:
    viewer.post("/signout")
    assert is_in(editor)


@pytest.mark.parametrize(
    ("age", "holds"),
    [
        ({"created": timedelta(hours=11), "seen": timedelta()}, True),
        ({"created": timedelta(hours=13), "seen": timedelta()}, False),
        ({"created": timedelta(hours=5), "seen": timedelta(hours=3)}, True),
        ({"created": timedelta(hours=5), "seen": timedelta(hours=5)}, False),
    ],
)
def test_a_session_has_an_age_and_an_idle_one(
    app: Flask, viewer: FlaskClient, age: dict[str, timedelta], holds: bool
) -> None:
    set_age(app, **age)
    assert is_in(viewer) is holds


def test_use_keeps_a_session_from_being_idle(app: Flask, viewer: FlaskClient) -> None:
    set_age(app, created=timedelta(hours=5), seen=timedelta(hours=3))
    assert is_in(viewer)
    with app.app_context():
        assert now() - db.session.scalars(select(BrowserSession.seen)).one() < timedelta(minutes=1)


def test_a_page_that_stays_up_to_date_by_itself_is_no_use(app: Flask, viewer: FlaskClient) -> None:
    set_age(app, created=timedelta(hours=5), seen=timedelta(hours=3))
    assert viewer.get("/now", headers={"Muster-Refresh": "yes"}).status_code == 200
    with app.app_context():
        assert now() - db.session.scalars(select(BrowserSession.seen)).one() > timedelta(hours=2)


@pytest.mark.both_databases
def test_a_page_neither_waits_nor_fails_while_another_holds_the_session(
    app: Flask, viewer: FlaskClient
) -> None:
    """Its last use is then not noted, and that is all."""
    set_age(app, created=timedelta(hours=5), seen=timedelta(hours=3))
    with app.app_context(), db.engine.connect() as other:
        other.execute(text("UPDATE sessions SET browser = 'held'"))
        before = now()
        assert is_in(viewer) and now() - before < timedelta(seconds=5)
        other.rollback()
        assert now() - db.session.scalars(select(BrowserSession.seen)).one() > timedelta(hours=2)


def test_a_secret_is_not_stored(app: Flask, viewer: FlaskClient) -> None:
    with viewer.session_transaction() as session:
        secret = session["_user_id"]
    with app.app_context():
        row = db.session.scalars(select(BrowserSession)).one()
        assert secret not in " ".join(str(value) for value in vars(row).values())


def test_rows_of_sessions_that_are_over_go(app: Flask, viewer: FlaskClient) -> None:
    set_age(app, created=timedelta(hours=13))
    with app.app_context():
        user = User.by_email("viewer@example.com")
        assert user is not None
        sessions.begin(user, "192.0.2.1", "Other")
        db.session.commit()
        assert [row.address for row in db.session.scalars(select(BrowserSession))] == ["192.0.2.1"]


def test_who_is_shut_out_and_let_in_again_must_sign_in(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        user = User.by_email("viewer@example.com")
        assert user is not None
        people.set_active(user.id, COMMAND_LINE, active=False)
        people.set_active(user.id, COMMAND_LINE, active=True)
    assert not is_in(viewer)


@pytest.mark.both_databases
def test_deleting_somebody_ends_their_sessions(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        user = User.by_email("viewer@example.com")
        assert user is not None
        people.remove(user.id, COMMAND_LINE)
        assert db.session.scalars(select(BrowserSession)).all() == []
    assert not is_in(viewer)
