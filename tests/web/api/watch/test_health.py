"""Health, history, settings of the watch, the feed, metrics and badges over HTTP."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.watch import chores, summary
from app.watch.due.schedule import phase_of
from app.watch.history import HOUR
from tests.conftest import new_token
from tests.watch.test_watching import QUICK
from tests.watch.world import BROKEN, START, Host, World

Auth = dict[str, str]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of two models."""
    made = Host(models=2)
    yield made
    made.cut()


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application, with little patience."""
    return app_with(**QUICK)


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the SQLite database after the hour of `watched`, which the first test plays."""
    return tmp_path_factory.mktemp("hour")


@pytest.fixture
def watched(app: Flask, hour: Path, tmp_path: Path) -> Flask:
    """Two models after an hour, of which one was down for a part of it. Their host is gone."""
    kept, own = hour / "muster.sqlite", tmp_path / "muster.sqlite"
    if kept.exists():
        shutil.copyfile(kept, own)
        return app
    host = Host(models=2)
    world = World(app, host)
    for answer in (None, BROKEN, None):
        host.answer(answer, "m-1")
        world.pass_time(minutes=20)
    host.cut()
    if own.exists():
        with closing(sqlite3.connect(own)) as connection:
            connection.execute("VACUUM INTO ?", (str(kept),))
    return app


def id_of(app: Flask, name: str) -> str:
    """The id of the model with this name."""
    with app.app_context():
        return str(db.session.scalars(select(RegisteredModel.id).filter_by(model_id=name)).one())


def test_health_of_a_model_that_nobody_has_looked_at(
    app: Flask, client: FlaskClient, auth: Auth, host: Host
) -> None:
    World(app, host)
    health: Any = client.get(f"/v2/models/{id_of(app, 'm-0')}/health", headers=auth).json
    assert (health["state"], health["last_check"], health["stale"]) == ("up", None, True)
    assert health["uptime"] == {"24h": None, "7d": None, "30d": None, "90d": None}


def test_uptime_is_what_was_seen(watched: Flask) -> None:
    """Down from the third failure on, until the second good look; exact in spans and in roll-ups alike."""
    with watched.app_context():
        row = db.session.scalars(
            select(ModelHealth)
            .join(RegisteredModel, RegisteredModel.id == ModelHealth.model_pk)
            .where(RegisteredModel.model_id == "m-1")
        ).one()
        end = START + HOUR
        by_spans = chores.seconds_by_model(START, end, row.model_pk)[row.model_pk]
        assert chores.roll_up(START + timedelta(hours=2)) == 1
        (point,) = summary.history_of(row.model_pk, START, end, "hour")
    assert 600 < by_spans.down < 1500
    assert (point["down_seconds"], point["known_seconds"]) == (by_spans.down, by_spans.known)
    assert point["failures"] >= 3 and point["checks"] > point["failures"]


def test_history_is_the_same_before_and_after_it_is_rolled_up(watched: Flask) -> None:
    id = id_of(watched, "m-1")
    with watched.app_context():
        before = summary.history_of(id, START, START + HOUR, "hour")
        chores.roll_up(START + timedelta(hours=2))
        assert summary.history_of(id, START, START + HOUR, "hour") == before


def test_an_hour_is_rolled_up_once(watched: Flask) -> None:
    with watched.app_context():
        made = [chores.roll_up(START + timedelta(hours=2)) for _ in range(3)]
    assert made == [1, 0, 0]


def test_history_over_http(watched: Flask, client: FlaskClient, auth: Auth) -> None:
    url = f"/v2/models/{id_of(watched, 'm-1')}/health/history"
    query = {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z", "step": "hour"}
    answer = client.get(url, query_string=query, headers=auth)
    assert answer.status_code == 200
    assert [point["at"] for point in answer.json or []] == ["2026-03-01T12:00:00.000Z"]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-03-01T12:00:00"},
        {"step": "week"},
        {"from": "2026-03-02T12:00:00Z", "to": "2026-03-01T12:00:00Z"},
    ],
)
def test_a_range_that_is_none(watched: Flask, client: FlaskClient, auth: Auth, query: dict[str, str]) -> None:
    url = f"/v2/models/{id_of(watched, 'm-1')}/health/history"
    assert client.get(url, query_string=query, headers=auth).status_code == 400


def test_how_a_model_is_watched(app: Flask, client: FlaskClient, auth: Auth, host: Host) -> None:
    World(app, host)
    url = f"/v2/models/{id_of(app, 'm-0')}/watch"
    answer = client.put(url, json={"every_seconds": 60, "tokens_per_day": 0}, headers=auth)
    assert answer.json == {
        "enabled": True,
        "every_seconds": 60,
        "full_every_hours": None,
        "tokens_per_day": 0,
    }


def test_without_an_interval_of_its_own_a_model_keeps_its_moment_of_the_registrys(
    app_with: Callable[..., Flask], host: Host
) -> None:
    app = app_with(**QUICK, watch_seconds=86_400)
    World(app, host)
    id, auth = id_of(app, "m-0"), {"Authorization": f"Bearer {new_token(app, 'write')}"}
    assert app.test_client().put(f"/v2/models/{id}/watch", json={}, headers=auth).status_code == 200
    with app.app_context():
        due = db.session.scalars(select(ModelHealth.due).filter_by(model_pk=id)).one()
    assert int(due.timestamp()) % 86_400 == phase_of(id, 86_400)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"every_seconds": 4}, "every_seconds"), ({"enabled": "no"}, "enabled"), ({"evry": 1}, "evry")],
)
def test_settings_that_are_none(
    app: Flask, client: FlaskClient, auth: Auth, host: Host, body: dict[str, Any], field: str
) -> None:
    World(app, host)
    answer: Any = client.put(f"/v2/models/{id_of(app, 'm-0')}/watch", json=body, headers=auth)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, field)


def test_nobody_looks_where_the_watch_is_off(app: Flask, client: FlaskClient, auth: Auth, host: Host) -> None:
    world = World(app, host)
    off = id_of(app, "m-0")
    client.put(f"/v2/models/{off}/watch", json={"enabled": False}, headers=auth)
    world.pass_time(minutes=11)
    assert {id for _, id in world.taken} == {id_of(app, "m-1")}


def test_without_tokens_only_the_catalog_is_read(app_with: Callable[..., Flask], host: Host) -> None:
    world = World(app_with(**QUICK, watch_tokens_per_day=0), host)
    world.pass_time(hours=2)
    assert world.taken and set(host.asked) == {""}


def test_the_feed_tells_of_a_change_and_goes_on_from_there(
    watched: Flask, client: FlaskClient, auth: Auth
) -> None:
    first: Any = client.get("/v2/events", headers=auth)
    kinds = [(one["kind"], one["detail"].get("to")) for one in first.json]
    assert kinds == [
        ("health", "down"),
        ("incident.opened", None),
        ("health", "up"),
        ("incident.resolved", None),
    ]
    following = first.headers["Link"].split("<")[1].split(">")[0]
    assert client.get(following, headers=auth).json == []


def test_the_feed_waits_for_news(app: Flask, client: FlaskClient, auth: Auth, host: Host) -> None:
    World(app, host)
    assert client.get("/v2/events?wait=1", headers=auth).json == []


def test_enabling_is_told(app: Flask, client: FlaskClient, auth: Auth, host: Host) -> None:
    World(app, host)
    client.delete(f"/v2/workspace-models/{id_of(app, 'm-0')}", headers=auth)
    (event,) = client.get("/v2/events", headers=auth).json or []
    assert (event["kind"], event["detail"]["action"]) == ("change", "model.disabled")


def test_metrics_are_prometheus_text(watched: Flask, client: FlaskClient, auth: Auth) -> None:
    answer = client.get("/metrics", headers=auth)
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    states = {sample.labels["state"]: sample.value for sample in families["muster_models"].samples}
    assert states["up"] == 2
    assert len(families["muster_model_state"].samples) == 2


def test_metrics_need_a_token_unless_they_are_open(
    client: FlaskClient, app_with: Callable[..., Flask]
) -> None:
    assert client.get("/metrics").status_code == 401
    assert app_with(metrics_public=True).test_client().get("/metrics").status_code == 200


def test_a_badge(watched: Flask, client: FlaskClient, auth: Auth) -> None:
    answer = client.get(f"/badge/{id_of(watched, 'm-0')}.svg", headers=auth)
    assert answer.mimetype == "image/svg+xml" and ">stale" in answer.text  # it is months later
    assert client.get(f"/badge/{id_of(watched, 'm-0')}.svg").status_code == 401
