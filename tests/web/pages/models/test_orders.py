"""The orders of the list of models that are read from other tables: what the watch knows, and owners."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db, new_id, now
from app.store.labels import ModelOwner
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import Look, ModelHealth, Rollup
from app.watch.history import HOUR, hour_of
from app.watch.settling.slowest import p95_of_slowest_hour
from app.web.pages.models import paging
from tests.web.pages.models.test_listing import add, names, walked

pytestmark = pytest.mark.both_databases


def watched(app: Flask, name: str, *, looked: int, owner: str | None = None, **p95: int) -> None:
    """A model that was looked at so many minutes ago: p95 of the hour `ago` (rolled up) and `now` (looks)."""
    host = f"https://{name.lower()}.example.com/v1"
    add(app, display_name=name, model_id=name, base_url=host, last_probe_id=None)
    with app.app_context():
        model = db.session.scalars(db.select(RegisteredModel).filter_by(display_name=name)).one()
        at = now() - timedelta(minutes=looked)
        row = {"model_pk": model.id, "endpoint_id": model.endpoint_id, "due": at, "last_check": at}
        health = ModelHealth(**row)
        db.session.add(health)
        db.session.add(ModelOwner(model_pk=model.id, owner=owner, contact="#llm"))
        if "ago" in p95:
            hour = hour_of(now()) - 3 * HOUR
            db.session.add(Rollup(model_pk=model.id, step="hour", at=hour, p95_ms=p95["ago"], checks=12))
        for number in range(20 if "now" in p95 else 0):
            # The nearest rank of 20 is the nineteenth: one slower answer does not count.
            took = 10 * p95["now"] if number == 19 else p95["now"]
            db.session.add(Look(model_pk=model.id, at=now(), kind="proof", result="good", latency_ms=took))
        failed = {"kind": "proof", "result": "failed", "latency_ms": 60_000}
        db.session.add(Look(model_pk=model.id, at=now(), **failed))
        health.day_p95_ms = p95_of_slowest_hour(model.id, now())
        db.session.commit()


def add_watched(app: Flask) -> None:
    """Three whose orders by p95, by owner and by last look differ, and one of which nothing is known."""
    watched(app, "Alpha", looked=9, owner="search", ago=900, now=50)
    watched(app, "Beta", looked=5, owner="Platform", ago=40, now=700)
    watched(app, "Gamma", looked=70, owner="ads", ago=800, now=80)
    add(app, display_name="Nobody", model_id="nobody", last_probe_id=None)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("p95", ["Alpha", "Gamma", "Beta"]),
        ("owner", ["Gamma", "Beta", "Alpha"]),
        ("looked", ["Beta", "Alpha", "Gamma"]),
    ],
)
def test_what_the_watch_knows_is_sorted_and_the_unknown_comes_last(
    app: Flask, viewer: FlaskClient, sort: str, order: list[str]
) -> None:
    add_watched(app)
    page = viewer.get(f"/models?sort={sort}").text
    assert names(page) == [*order, "Nobody"] and re.search(r'aria-sort="(asc|desc)ending"', page)
    assert names(viewer.get(f"/models?sort={sort}&turned=yes").text) == [*reversed(order), "Nobody"]


def test_the_p95_that_is_sorted_by_is_the_one_that_is_shown(app: Flask, viewer: FlaskClient) -> None:
    add_watched(app)
    page = viewer.get("/models?sort=p95").text
    assert re.findall(r'data-label="p95">([^<]*)<', page) == ["900 ms", "800 ms", "700 ms"]


def test_a_probe_after_the_last_look_counts_as_the_last_look(app: Flask, viewer: FlaskClient) -> None:
    add_watched(app)
    with app.app_context():
        model = db.session.scalars(db.select(RegisteredModel).filter_by(display_name="Gamma")).one()
        probe = {"model_pk": model.id, "verdict": "accepted", "duration_ms": 5, "report": {}}
        model.last_probe_id = new_id()
        row = Probe(id=model.last_probe_id, started=now(), trigger="reprobe", actor="", **probe)
        db.session.add(row)
        db.session.commit()
    assert names(viewer.get("/models?sort=looked").text) == ["Gamma", "Beta", "Alpha", "Nobody"]


@pytest.mark.parametrize("sort", ["p95", "owner", "looked"])
def test_what_the_watch_knows_pages_through_every_model_once(
    app: Flask, viewer: FlaskClient, sort: str
) -> None:
    add(app, count=paging.PAGE, last_probe_id=None)
    for number in range(6):
        watched(app, f"M{number}", looked=number, owner=f"o{number % 3}", ago=100 + number % 2)
    there = walked(viewer, f"/models?sort={sort}&turned=yes", "next")
    assert [len(page) for _, page in there] == [paging.PAGE, 6]
    assert len({model for _, page in there for model in page}) == paging.PAGE + 6
    assert "31–36 of 36 models" in viewer.get(there[1][0]).text
    assert [page for _, page in walked(viewer, there[1][0], "prev")] == [there[1][1], there[0][1]]
