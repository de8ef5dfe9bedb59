"""The audit log is a chain: what is changed, taken out or put in shows, also where many wrote at once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, insert, select, text, update

from app.access import audit, audit_chain
from app.access.actors import COMMAND_LINE, Actor
from app.store.audit_events import START, AuditEvent, AuditHead, digest_of, facts_of
from app.store.base import db, new_id, now
from app.watch import chores


def write(app: Flask, count: int = 5) -> None:
    """Events, each in a transaction of its own."""
    with app.app_context():
        for number in range(count):
            detail = {"number": number, "costs": [0.1, None], "word": "Zürich \u2028"}
            audit.record(COMMAND_LINE, "model.updated", subject=f"event {number}", detail=detail)
            db.session.commit()


def verdict(app: Flask, knows: str = "") -> audit_chain.Verdict:
    """What `muster audit verify` finds."""
    with app.app_context():
        return audit_chain.verify(knows)


def test_an_empty_log_is_whole(app: Flask) -> None:
    assert verdict(app) == audit_chain.Verdict(0, START)


@pytest.mark.both_databases
def test_what_was_written_is_whole(app: Flask) -> None:
    write(app)
    found = verdict(app)
    assert (found.events, found.wrong) == (5, "")
    assert verdict(app, knows=found.digest).wrong == ""


def test_each_holds_the_digest_of_the_one_before(app: Flask) -> None:
    write(app, 3)
    with app.app_context():
        events = list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.place)))
        assert [event.place for event in events] == [1, 2, 3]
        assert [event.previous for event in events] == [START, events[0].digest, events[1].digest]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "change",
    [
        {"actor": "user:other@example.com"},
        {"action": "model.deleted"},
        {"subject": "another"},
        {"detail": {"number": 2}},
        {"at": now()},
        {"model_pk": "019a0000-0000-7000-8000-000000000001"},
        {"id": "019a0000-0000-7000-8000-000000000001"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_event_shows(app: Flask, change: dict[str, object]) -> None:
    write(app)
    with app.app_context():
        db.session.execute(update(AuditEvent).where(AuditEvent.place == 3).values(change))
        db.session.commit()
    assert verdict(app).wrong.startswith("The event at place 3 is not as it was written")


@pytest.mark.parametrize("place", [1, 3, 5])
def test_a_missing_event_shows(app: Flask, place: int) -> None:
    write(app)
    with app.app_context():
        db.session.execute(delete(AuditEvent).where(AuditEvent.place == place))
        db.session.commit()
    wrong = verdict(app).wrong
    assert "Events at the end are missing" in wrong if place == 5 else f"place {place} is missing" in wrong


def aged(app: Flask, places: range, days: int) -> None:
    """Have these events be so old, as if they had been written then."""
    with app.app_context():
        digest = START
        for event in db.session.scalars(select(AuditEvent).order_by(AuditEvent.place)):
            event.at -= timedelta(days=days if event.place in places else 0)
            event.previous = digest
            event.digest = digest = digest_of(facts_of(event))
        db.session.execute(update(AuditHead).values(digest=digest))
        db.session.commit()


def shortened(app: Flask, days: int = 10) -> int:
    """How many events went for being older than this."""
    with app.app_context():
        return audit_chain.shorten(now() - timedelta(days=days))


@pytest.mark.both_databases
def test_what_is_kept_no_longer_leaves_a_whole_log(app: Flask) -> None:
    write(app)
    aged(app, range(1, 4), days=12)
    noted = verdict(app).digest
    assert verdict(app).wrong == ""
    assert (shortened(app), shortened(app)) == (3, 0)
    found = verdict(app, knows=noted)
    assert (found.events, found.wrong) == (3, ""), "two that were kept, and the one that says so"
    write(app, 1)
    assert verdict(app).wrong == ""


def test_a_log_may_lose_all_but_the_event_that_says_so(app: Flask) -> None:
    write(app)
    aged(app, range(1, 6), days=12)
    assert shortened(app) == 5
    assert (verdict(app).events, verdict(app).wrong) == (1, "")


def test_less_than_a_day_is_not_worth_an_event(app: Flask) -> None:
    write(app)
    aged(app, range(1, 4), days=10)
    assert shortened(app) == 0 and verdict(app).events == 5


@pytest.mark.parametrize("places", [range(4, 5), range(4, 6)])
def test_events_that_somebody_else_took_from_the_start_show(app: Flask, places: range) -> None:
    write(app)
    aged(app, range(1, 4), days=12)
    shortened(app)
    with app.app_context():
        db.session.execute(delete(AuditEvent).where(AuditEvent.place.in_(places)))
        db.session.commit()
    assert f"place 1 is missing: the next one is at {places.stop}" in verdict(app).wrong


@pytest.mark.parametrize(("days", "left"), [(10, 3), (20, 5), (0, 5)])
def test_the_watcher_keeps_it_for_as_long_as_is_set(
    app_with: Callable[..., Flask], days: int, left: int
) -> None:
    app = app_with(audit_days=days)
    write(app)
    aged(app, range(1, 4), days=12)
    with app.app_context():
        chores.tend(now())
    assert (verdict(app).events, verdict(app).wrong) == (left, "")


def test_a_log_that_was_written_anew_does_not_have_the_digest_that_was_noted(app: Flask) -> None:
    write(app)
    noted = verdict(app).digest
    with app.app_context():
        db.session.execute(delete(AuditEvent))
        db.session.execute(update(AuditHead).values(place=0, digest=START))
        db.session.commit()
    write(app)
    assert verdict(app).wrong == ""
    assert "No event has the digest that was noted" in verdict(app, knows=noted).wrong


@pytest.mark.both_databases
def test_many_who_write_at_once_make_one_chain(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def write_some(number: int) -> None:
        with app.app_context():
            for turn in range(8):
                audit.record(Actor("token", str(number), frozenset()), "model.probed", detail={"turn": turn})
                if turn % 2:
                    db.session.rollback()
                    audit.record_now(COMMAND_LINE, "access.refused")
                else:
                    audit.record(COMMAND_LINE, "model.updated")
                    db.session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_some, range(8)))
    found = verdict(app)
    with app.app_context():
        assert found.wrong == "" and found.events == len(db.session.scalars(select(AuditEvent.id)).all())
    left_to_the_log = caplog.text.count("not in the audit log")  # on a machine that is very busy
    assert found.events == 8 * 4 * 3 - left_to_the_log


@pytest.mark.both_databases
def test_what_is_rolled_back_to_a_savepoint_leaves_no_gap(app: Flask) -> None:
    with app.app_context():
        audit.record(COMMAND_LINE, "model.updated", subject="kept")
        inner = db.session.begin_nested()
        audit.record(COMMAND_LINE, "model.updated", subject="lost")
        db.session.flush()
        inner.rollback()
        with db.session.begin_nested():
            audit.record(COMMAND_LINE, "model.updated", subject="kept too")
        db.session.commit()
        kept = db.session.scalars(select(AuditEvent.subject).order_by(AuditEvent.place)).all()
        assert kept == ["kept", "kept too"]
    assert verdict(app).wrong == ""


def test_an_event_of_an_older_program_is_chained_by_the_next(app: Flask) -> None:
    with app.app_context():
        older = {"id": new_id(), "at": now(), "actor": "cli:muster", "action": "model.probed"}
        db.session.execute(insert(AuditEvent).values(older | {"subject": "", "detail": {}}))
        db.session.commit()
    write(app, 1)
    assert verdict(app).events == 2 and verdict(app).wrong == ""


@pytest.mark.both_databases
def test_the_migration_chains_what_is_there(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="0006")
        row = "INSERT INTO audit_events (id, at, actor, action, subject, detail)"
        for number in range(3):
            given = {"id": new_id(), "at": f"2026-03-01 10:00:0{number}.125", "d": '{"n": [1, "ü", 0.1]}'}
            db.session.execute(text(row + " VALUES (:id, :at, 'a', 'b', '', :d)"), given)
        db.session.commit()
        upgrade()
    assert (verdict(app).events, verdict(app).wrong) == (3, "")
    write(app, 2)
    assert (verdict(app).events, verdict(app).wrong) == (5, "")


# --- sent on --------------------------------------------------------------------------------------------


def test_events_go_to_a_file_line_by_line(app_with: Callable[..., Flask], tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    app = app_with(audit_file=path)
    write(app, 2)
    with app.app_context():
        audit.record(COMMAND_LINE, "model.updated")
        db.session.rollback()
        audit.record_now(COMMAND_LINE, "access.refused")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["action"] for line in lines] == ["model.updated", "model.updated", "access.refused"]
    assert [line["place"] for line in lines] == [1, 2, 3] and lines[-1]["digest"] == verdict(app).digest
    assert path.stat().st_mode & 0o777 == 0o600


def test_events_go_to_syslog_as_datagrams(app_with: Callable[..., Flask]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(5)
        app = app_with(audit_syslog=f"udp://127.0.0.1:{syslog.getsockname()[1]}")
        write(app, 1)
        priority, _, line = syslog.recv(65536).decode().partition("muster: ")
    assert priority == "<109>" and json.loads(line)["digest"] == verdict(app).digest


@pytest.mark.parametrize("setting", ["audit_file", "audit_syslog"])
def test_where_they_can_not_go_work_goes_on(
    app_with: Callable[..., Flask], tmp_path: Path, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    gone = tmp_path / "gone" / "audit"
    app = app_with(**{setting: gone if setting == "audit_file" else str(gone)})
    write(app, 1)
    assert verdict(app).events == 1 and "1 audit events" in caplog.text
