"""Registration as a generator: its events, its end, and what stays where it is broken off."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.access.actors import COMMAND_LINE
from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.transport.deadline import Cancellation
from app.probe.values import CheckEnded, CheckStarted
from app.registry import many, registration
from app.registry.probing import Probed, Registered, Rejected, Updated
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests import quick_start
from tests.web.api.conftest import Endpoint, endpoint, good

pytestmark = pytest.mark.both_databases

__all__ = ["endpoint", "good"]
Values = dict[str, Any]
TERMINAL = (Registered, Updated, Probed, Rejected)


def test_events_come_first_and_one_terminal_event_last(app: Flask, good: Values) -> None:
    with app.app_context():
        events = list(registration.register(good, COMMAND_LINE))
    assert isinstance(events[-1], Registered)
    assert not any(isinstance(event, TERMINAL) for event in events[:-1])
    started = {event.name for event in events if isinstance(event, CheckStarted)}
    ended = [event.check.name for event in events if isinstance(event, CheckEnded)]
    assert started and set(ended) == {check["name"] for check in events[-1].report["checks"]}


def test_a_rejection_ends_in_rejected(app: Flask, good: Values) -> None:
    with app.app_context():
        end = registration.drain(registration.register(good | {"api_key": "sk-bad"}, COMMAND_LINE))
        assert isinstance(end, Rejected) and end.diagnosis["code"] == "invalid_credentials"
        (event,) = db.session.scalars(select(AuditEvent))
        assert (event.action, event.detail["code"]) == ("model.rejected", "invalid_credentials")
        assert event.detail["probe"] == end.report["id"] and "sk-bad" not in json.dumps(event.detail)


def test_a_repeated_model_is_refused_before_the_generator_runs(app: Flask, good: Values) -> None:
    with app.app_context():
        registration.drain(registration.register(good, COMMAND_LINE, depth="proof"))
        with pytest.raises(ApiError, match="already") as caught:
            registration.register(good, COMMAND_LINE)
        assert caught.value.status == 409


def test_cancelling_registers_nothing(app: Flask, good: Values, endpoint: Endpoint) -> None:
    endpoint.before = threading.Event()
    cancelled = Cancellation()
    with app.app_context():
        events = registration.register(good, COMMAND_LINE, cancelled=cancelled)
        next(iter(events))
        cancelled.set()
        end = registration.drain(events)
        assert isinstance(end, Rejected)
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0
    endpoint.before.set()


def test_a_probe_of_what_changed_meanwhile_is_not_kept(app: Flask, good: Values, endpoint: Endpoint) -> None:
    with app.app_context():
        end = registration.drain(registration.register(good, COMMAND_LINE, depth="proof"))
        assert isinstance(end, Registered)
        model = RegisteredModel.by_id(end.model_id)
        assert model is not None
        events = iter(registration.reprobe(model, COMMAND_LINE))
        next(events)
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE models SET remote_model_id = 'another'"))
        last = registration.drain(events)
        assert isinstance(last, Probed) and last.report["model"] is None
        assert db.session.scalar(select(func.count()).select_from(Probe)) == 1


def of_three(good: Values, **changes: Any) -> list[Values]:
    names = ("practice-chat", "practice-reasoning", "practice-chat-no-tools")
    return [good | {"model_id": name} for name in names[:2]] + [good | {"model_id": names[2]} | changes]


def test_many_get_in_together(app: Flask, good: Values) -> None:
    with app.app_context():
        ends = many.register_all(of_three(good), COMMAND_LINE, depth="proof")
        assert all(isinstance(end, Registered) for end in ends)
        saved = {model.id: model.model_id for model in db.session.scalars(select(RegisteredModel))}
        assert [saved[end.model_id] for end in ends if isinstance(end, Registered)] == [
            values["model_id"] for values in of_three(good)
        ]


def test_of_many_none_gets_in_where_one_is_rejected(app: Flask, good: Values) -> None:
    with app.app_context():
        ends = many.register_all(of_three(good, api_key="sk-bad"), COMMAND_LINE, depth="proof")
        assert [type(end) for end in ends] == [Registered, Registered, Rejected]
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0
        assert db.session.scalar(select(func.count()).select_from(Probe)) == 0


def test_of_many_none_may_stand_there_twice(app: Flask, good: Values, endpoint: Endpoint) -> None:
    with app.app_context(), pytest.raises(ApiError, match="twice"):
        many.register_all([good, good | {"display_name": "Other"}], COMMAND_LINE)
    assert endpoint.calls == []


KILLED = """
import json, sys
from app.access.actors import COMMAND_LINE
from app.factory import create_app
from app.registry import registration
app = create_app({"instance": sys.argv[1], "database_url": sys.argv[2]})
with app.app_context():
    registration.drain(registration.register(json.loads(sys.argv[3]), COMMAND_LINE))
"""


def test_a_killed_process_leaves_no_model_and_no_transaction(
    app: Flask, good: Values, endpoint: Endpoint
) -> None:
    endpoint.before = threading.Event()
    chosen = app.config["MUSTER"]
    arguments = [
        sys.executable,
        "-c",
        KILLED.replace("sys.argv[1]", "__import__('pathlib').Path(sys.argv[1])"),
    ]
    process = quick_start.Python([*arguments, str(chosen.instance), chosen.database, json.dumps(good)])
    while not endpoint.calls and process.poll() is None:
        threading.Event().wait(0.02)
    assert endpoint.calls, "the process ended before it probed"
    with app.app_context():
        assert open_transactions() == 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    endpoint.before.set()
    with app.app_context():
        assert open_transactions() == 0
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0
        assert db.session.scalar(select(func.count()).select_from(Probe)) == 0
        assert isinstance(registration.drain(registration.register(good, COMMAND_LINE)), Registered)


def open_transactions() -> int:
    """Transactions of others; on SQLite only whether somebody holds the write lock."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA busy_timeout = 0"))
            connection.exec_driver_sql("UPDATE models SET id = id")
            connection.rollback()
            return 0
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        idle = f"SELECT count(*) FROM pg_stat_activity WHERE {others} AND state LIKE 'idle in transaction%'"
        return connection.scalar(text(idle)) or 0


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://Example.com/v1", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("https://example.com:443/x?y", "https://example.com:443"),
        ("HTTP://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin
