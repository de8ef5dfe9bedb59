"""Whatever administrators do to each other, one stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from app.access import actors, people
from app.access.actors import COMMAND_LINE, AccessError, Actor
from app.store.accounts import User
from app.store.base import db

pytestmark = pytest.mark.both_databases


def add(app: Flask, *emails: str, role: str = "admin", password_hash: str = "-") -> list[Actor]:
    """Users as actors."""
    with app.app_context():
        users = [User(email=email, role=role, password_hash=password_hash) for email in emails]
        db.session.add_all(users)
        db.session.commit()
        return [actors.user_actor(user) for user in users]


def admins(app: Flask) -> int:
    """How many administrators can sign in."""
    with app.app_context():
        query = db.select(User).where(User.role == "admin", User.active.is_(True))
        return len(list(db.session.scalars(query)))


@pytest.mark.parametrize("way", ["role", "active", "remove"])
def test_the_last_administrator_stays(app: Flask, way: str) -> None:
    (last,) = add(app, "last@example.com")
    add(app, "editor@example.com", role="editor")
    with app.app_context(), pytest.raises(AccessError, match="last administrator"):
        if way == "role":
            people.set_role(last.id, "editor", COMMAND_LINE)
        elif way == "active":
            people.set_active(last.id, COMMAND_LINE, active=False)
        else:
            people.remove(last.id, COMMAND_LINE)
    assert admins(app) == 1


def test_one_who_is_shut_out_does_not_count(app: Flask) -> None:
    first, second = add(app, "a@example.com", "b@example.com")
    with app.app_context():
        people.set_active(second.id, first, active=False)
        with pytest.raises(AccessError, match="last administrator"):
            people.remove(first.id, COMMAND_LINE)
        people.remove(second.id, first)
    assert admins(app) == 1


def test_two_who_demote_each_other_at_once_leave_one(app: Flask) -> None:
    pair = add(app, "a@example.com", "b@example.com")
    for _ in range(10):
        together = Barrier(2)

        def demote(mine: Actor, theirs: Actor, together: Barrier = together) -> None:
            with app.app_context():
                together.wait()
                try:
                    people.set_role(theirs.id, "editor", mine)
                except AccessError as error:
                    assert "last administrator" in str(error)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(demote, pair, pair[::-1]))
        assert admins(app) == 1
        with app.app_context():
            for actor in pair:
                people.set_role(actor.id, "admin", COMMAND_LINE)


def test_two_who_add_the_same_person_at_once(app: Flask) -> None:
    together = Barrier(2)

    def add_one(_number: int) -> str:
        with app.app_context():
            together.wait()
            try:
                return people.add("new@example.com", "viewer", "a good password", COMMAND_LINE).email
            except AccessError as error:
                return str(error)

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(add_one, range(2)))
    assert ends == ["There is a user new@example.com already.", "new@example.com"]


def test_nothing_is_recorded_where_nothing_changes(app: Flask) -> None:
    first, second = add(app, "a@example.com", "b@example.com")
    with app.app_context():
        people.set_role(second.id, "admin", first)
        people.set_active(second.id, first, active=True)
        assert db.session.scalar(db.text("select count(*) from audit_events")) == 0
