"""Looks that wait for a turn at their endpoint follow on those that end, in the thread that looked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from app.practice.wire import Reply, Request
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.health import Look, ModelHealth
from app.watch.due.claims import Claim, adopt_new, claim, is_watched, release_lost, watches
from app.watch.due.turns import Turns, Waiting, looks_at_once
from app.watch.engine import Watcher
from tests.watch.world import Host, World

WITHIN_S = 30
AT_ONCE = 4
"""As many as an endpoint may have at once by default."""


class SlowHost(Host):
    """Its answers to proofs wait until `released`."""

    def __init__(self, models: int) -> None:
        self.released, self.filled = threading.Event(), threading.Event()
        self.inside = self.most = 0
        self.lock = threading.Lock()
        super().__init__(models=models)

    def respond(self, request: Request) -> Reply:
        if request.method != "POST":
            return super().respond(request)
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside == AT_ONCE:
                self.filled.set()
        self.released.wait(WITHIN_S)
        with self.lock:
            self.inside -= 1
        return super().respond(request)


@pytest.fixture
def host() -> Iterator[SlowHost]:
    made = SlowHost(models=7)
    yield made
    made.released.set()
    made.cut()


@pytest.fixture
def claims(app: Flask, host: SlowHost) -> list[Claim]:
    """All models of the host, claimed."""
    World(app, host)
    with app.app_context():
        assert looks_at_once() == AT_ONCE
        adopt_new(now())
        # A whole probe asks several things at once; a proof asks one.
        db.session.execute(update(ModelHealth).values(due=now(), last_full=now()))
        db.session.commit()
        return claim(now())


def counted(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(func.distinct(Look.model_pk)))) or 0


@contextmanager
def busy(watcher: Watcher, host: SlowHost, claims: list[Claim]) -> Iterator[None]:
    """As many looks at the host as it may have are under way in the block, and over after it."""
    threads = [
        threading.Thread(target=watcher.look, args=(one.model_pk, one.turn)) for one in claims[:AT_ONCE]
    ]
    for thread in threads:
        thread.start()
    assert host.filled.wait(WITHIN_S)
    yield
    host.released.set()
    for thread in threads:
        thread.join(WITHIN_S)


def test_what_waits_follows_at_once_and_never_more_than_allowed(
    app: Flask, host: SlowHost, claims: list[Claim]
) -> None:
    watcher = Watcher(app)
    with busy(watcher, host, claims):
        for one in claims[AT_ONCE:]:
            watcher.look(one.model_pk, one.turn)  # comes back at once
        assert counted(app) == 0
    assert counted(app) == len(claims) == 7
    assert host.most == AT_ONCE


def test_where_a_worker_keeps_an_endpoint_busy_itself_the_database_is_not_asked(
    app: Flask, host: SlowHost, claims: list[Claim]
) -> None:
    watcher = Watcher(app)
    asked: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    with busy(watcher, host, claims):
        event.listen(engine, "before_cursor_execute", note)
        for one in claims[AT_ONCE:]:
            watcher.look(one.model_pk, one.turn, 0, one.endpoint_id)
        event.remove(engine, "before_cursor_execute", note)
    assert asked == [] and counted(app) == len(claims)


def test_what_waits_in_a_lost_worker_is_claimed_anew(app: Flask, host: SlowHost, claims: list[Claim]) -> None:
    watcher = Watcher(app)
    with busy(watcher, host, claims):
        watcher.look(claims[-1].model_pk, claims[-1].turn)
        with app.app_context():
            assert release_lost(now()) == AT_ONCE + 1  # nobody has heard of this worker
            assert claims[-1].model_pk in {one.model_pk for one in claim(now())}


def test_nobody_waits_where_nobody_looks() -> None:
    turns = Turns()
    assert not turns.wait("here", Waiting("a", 1))
    turns.begin("here")
    assert not turns.wait("there", Waiting("a", 1))
    assert turns.wait("here", Waiting("a", 1))
    assert turns.following("here") == Waiting("a", 1)
    assert turns.following("here") is None
    assert not turns.wait("here", Waiting("b", 1))


def test_a_look_that_broke_ends_its_turn() -> None:
    turns = Turns()
    turns.begin("here")
    turns.give_up("here")
    assert not turns.wait("here", Waiting("a", 1))


@pytest.mark.parametrize(("usual", "watched"), [(0, 1), (300, 2)])
def test_who_is_watched_is_the_same_in_sql_and_in_python(
    app_with: Callable[..., Flask], usual: int, watched: int
) -> None:
    """Both are there since one look may follow on another without a query."""
    cases = list(product([True, False], [True, False], [None, 0, 60]))
    app, host = app_with(watch_seconds=usual), Host(models=len(cases))
    host.cut()
    World(app, host)
    with app.app_context():
        adopt_new(now())
        both = select(ModelHealth, RegisteredModel)
        both = both.join(RegisteredModel, RegisteredModel.id == ModelHealth.model_pk)
        for (row, model), case in zip(db.session.execute(both), cases, strict=True):
            row.watched, model.enabled, row.every_seconds = case
        db.session.commit()
        found = set(db.session.scalars(select(ModelHealth.model_pk).where(is_watched())))
        rows = db.session.execute(both)
        assert found == {row.model_pk for row, model in rows if watches(row, enabled=model.enabled)}
        assert len(found) == watched
