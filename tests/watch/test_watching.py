"""The watch of whole registries: endpoints that fail, come back, or only seem to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.actors import SYSTEM
from app.practice.models import Model
from app.practice.wire import error
from app.registry import registration
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.events import FeedEvent
from app.store.watch.health import EndpointWatch, Look, ModelHealth, Rollup
from app.watch.due.claims import spread_overdue
from app.watch.history import HOUR, hour_of
from app.watch.settling import take_over_probed
from app.watch.summary import told_at
from tests.watch.world import BROKEN, LIMITED, WRONG_KEY, Host, World

Worlds = Callable[..., World]
QUICK = {
    "probe_wait_seconds": 0.01,
    "probe_connect_seconds": 1.0,
    "probe_first_byte_seconds": 1.0,
    "probe_seconds": 1.0,
    "watch_full_hours": 0,
}


@pytest.fixture
def world(app_with: Callable[..., Flask]) -> Iterator[Worlds]:
    """Makes the world of a test from its hosts; their connections end with the test."""
    made: list[Host] = []

    def make(*hosts: Host, **settings: object) -> World:
        made.extend(hosts)
        return World(app_with(**QUICK | settings), *hosts)

    yield make
    for host in made:
        host.cut()


def test_models_that_work_stay_up(world: Worlds) -> None:
    watched = world(Host(models=3))
    watched.pass_time(seconds=15 * 60 - 1)  # a second more begins a fourth interval
    assert watched.states() == {"up": 3}
    assert watched.incidents() == []
    times = Counter(id for _, id in watched.taken)
    assert set(times.values()) == {3}


def test_each_look_has_a_line_in_the_log(world: Worlds, caplog: pytest.LogCaptureFixture) -> None:
    watched = world(Host(models=1))
    with caplog.at_level(logging.INFO, "muster.watch.look"):
        watched.pass_time(minutes=6)
    told = [record.__dict__["facts"] for record in caplog.records if record.name == "muster.watch.look"]
    assert len(told) == len(watched.taken) > 0
    assert {(facts["host"], facts["result"], facts["code"]) for facts in told} == {
        ("127.0.0.1", "good", None)
    }


def test_looks_keep_the_p95_of_the_slowest_hour_of_the_day(world: Worlds) -> None:
    watched = world(Host())
    watched.pass_time(minutes=11)
    with watched.app.app_context():
        row = db.session.scalars(select(ModelHealth)).one()
        slowest = max(took for took in db.session.scalars(select(Look.latency_ms)) if took is not None)
        assert row.day_p95_ms == slowest
        for hours, took in ((20, 4000), (30, 9000)):
            at = hour_of(watched.now) - hours * HOUR
            db.session.add(Rollup(model_pk=row.model_pk, step="hour", at=at, p95_ms=took))
        db.session.commit()
    watched.pass_time(hours=1)
    with watched.app.app_context():
        assert db.session.scalars(select(ModelHealth.day_p95_ms)).one() == 4000


def test_no_two_looks_at_a_model_in_one_interval(world: Worlds) -> None:
    watched = world(Host(models=3))
    watched.pass_time(minutes=21)
    for id in {id for _, id in watched.taken}:
        moments = [at for at, one in watched.taken if one == id]
        assert {after - before for before, after in pairwise(moments)} == {timedelta(seconds=300)}


def test_one_model_that_fails_is_one_incident_of_one(world: Worlds) -> None:
    host = Host(models=3)
    watched = world(host)
    host.answer(BROKEN, "m-1")
    watched.pass_time(minutes=8)
    assert (watched.state("m-1"), watched.states()) == ("down", {"up": 2, "down": 1})
    assert watched.incidents() == [("model_not_found", 1, True)]
    host.answer(None)
    watched.pass_time(minutes=8)
    assert watched.states() == {"up": 3}
    assert watched.incidents() == [("model_not_found", 1, False)]


def test_a_limited_model_is_not_down(world: Worlds) -> None:
    host = Host()
    watched = world(host)
    watched.pass_time(minutes=6)
    host.answer(LIMITED)
    watched.pass_time(minutes=30)
    assert watched.states() == {"up": 1}
    with watched.app.app_context():
        model, row = (
            db.session.scalars(select(RegisteredModel)).one(),
            db.session.scalars(select(ModelHealth)).one(),
        )
        assert row.last_check is not None and watched.now - row.last_check < timedelta(minutes=5)
        told = told_at(model)
        assert told is not None and watched.now - told >= timedelta(minutes=30), "a limit tells nothing"


def test_a_whole_endpoint_goes_down_and_comes_back(world: Worlds) -> None:
    host, other = Host(models=20), Host("127.0.0.2")
    watched = world(host, other)
    watched.pass_time(minutes=6)
    host.cut()
    before = len(watched.taken)
    watched.pass_time(minutes=3)
    assert watched.states() == {"down": 20, "up": 1}
    assert watched.incidents() == [("endpoint_unreachable", 20, True)]
    assert len(watched.taken) - before <= 3 * 2 + 2  # two calls a look
    watched.pass_time(minutes=10)
    host.connect()
    watched.pass_time(minutes=3)
    assert watched.states() == {"up": 21}
    assert watched.incidents() == [("endpoint_unreachable", 20, False)]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_proxy_whose_server_is_gone_answers_for_all(world: Worlds, status: int) -> None:
    """The list of models gets the same answer, so nobody asks twenty models one by one."""
    host = Host(models=20)
    watched = world(host)
    watched.pass_time(minutes=6)
    host.answer(error(status, "The server behind this proxy does not answer."))
    before = len(watched.taken)
    watched.pass_time(minutes=3)
    assert watched.states() == {"down": 20} and len(watched.taken) - before <= 3 * 2 + 2
    assert [(models, is_open) for _, models, is_open in watched.incidents()] == [(20, True)]
    host.answer(None)
    watched.pass_time(minutes=3)
    assert watched.states() == {"up": 20}
    assert [(models, is_open) for _, models, is_open in watched.incidents()] == [(20, False)]


def test_a_model_that_fails_while_the_list_is_broken_goes_down_alone(world: Worlds) -> None:
    host = Host(models=4)
    watched = world(host)
    watched.pass_time(minutes=6)
    gone = error(503, "The model is being loaded.")
    host.refuse = lambda request: gone if request.method == "GET" or b'"m-2"' in request.body else None
    watched.pass_time(minutes=12)
    assert watched.states() == {"up": 3, "down": 1} and watched.state("m-2") == "down"


def test_a_refused_key_takes_all_down_after_one_repeat(world: Worlds) -> None:
    host = Host(models=4)
    watched = world(host)
    host.answer(WRONG_KEY)
    watched.pass_time(minutes=6)  # the first look may be five minutes away
    assert watched.states() == {"down": 4}
    assert watched.incidents() == [("invalid_credentials", 4, True)]
    assert len(set(host.asked) - {""}) == 2  # the repeat was asked of another model


def test_a_key_that_is_refused_for_one_model_is_that_models_fault(world: Worlds) -> None:
    host = Host(models=4)
    watched = world(host)
    host.answer(WRONG_KEY, "m-2")
    watched.pass_time(minutes=12)
    assert watched.states() == {"up": 3, "down": 1}
    assert watched.incidents() == [("invalid_credentials", 1, True)]


def test_musters_own_network_takes_nobody_down(world: Worlds) -> None:
    three = [Host(f"127.0.0.{number}", models=2) for number in (1, 2, 3)]
    watched = world(*three)
    watched.pass_time(minutes=6)
    for host in three:
        host.cut()
    watched.pass_time(minutes=15)
    assert watched.states() == {"up": 6}
    assert watched.incidents() == [("own_network", 0, True)]
    for host in three:
        host.connect()
    watched.pass_time(minutes=6)
    assert watched.states() == {"up": 6}
    assert watched.incidents() == [("own_network", 0, False)]


def test_a_model_that_comes_while_its_endpoint_is_down_goes_down_with_it(world: Worlds) -> None:
    host = Host(models=3)
    watched = world(host)
    switch(watched, "m-2", enabled=False)
    watched.pass_time(minutes=6)
    host.cut()
    watched.pass_time(minutes=8)  # the next look may be five minutes away, and two more come after it
    assert watched.states() == {"down": 2, "up": 1}
    switch(watched, "m-2", enabled=True)
    watched.pass_time(minutes=1)
    assert watched.states() == {"down": 3}
    assert watched.incidents() == [("endpoint_unreachable", 3, True)]
    host.connect()
    watched.pass_time(minutes=3)
    assert watched.states() == {"up": 3}
    assert watched.incidents() == [("endpoint_unreachable", 3, False)]


def test_an_endpoint_that_answers_with_a_limit_can_be_reached(world: Worlds) -> None:
    host = Host(models=2)
    watched = world(host)
    watched.pass_time(minutes=6)
    host.cut()
    watched.pass_time(minutes=8)
    assert watched.states() == {"down": 2}
    host.answer(LIMITED)
    host.connect()
    watched.pass_time(minutes=3)
    assert watched.states() == {"up": 2}
    assert watched.incidents() == [("endpoint_unreachable", 2, False)]


def test_a_limit_in_between_does_not_put_off_the_end_of_a_fault(world: Worlds) -> None:
    host = Host(models=2)
    watched = world(host)
    watched.pass_time(minutes=6)
    host.answer(WRONG_KEY)
    watched.pass_time(minutes=8)
    host.answer(LIMITED)
    watched.pass_time(minutes=1)
    assert watched.states() == {"down": 2}
    host.answer(None)
    watched.pass_time(minutes=2)
    assert watched.states() == {"up": 2}


def test_the_model_that_is_asked_for_all_may_have_a_fault_of_its_own(world: Worlds) -> None:
    host = Host(models=3)
    watched = world(host)
    watched.pass_time(minutes=6)
    host.cut()
    watched.pass_time(minutes=8)
    with watched.app.app_context():
        asked = db.session.scalars(select(EndpointWatch.witness)).one()
        name = db.session.get_one(RegisteredModel, asked).model_id
    host.answer(BROKEN, name)
    host.connect()
    watched.pass_time(minutes=8)
    assert (watched.state(name), watched.states()) == ("down", {"up": 2, "down": 1})
    assert watched.incidents() == [("endpoint_unreachable", 3, False), ("model_not_found", 1, True)]
    with watched.app.app_context():
        changed = [one.detail["to"] for one in FeedEvent.after(0, 99) if one.model_pk == asked]
    assert changed == ["down"]  # it was not told up in between


def test_the_model_that_is_asked_for_all_may_be_disabled_meanwhile(world: Worlds) -> None:
    host = Host(models=3)
    watched = world(host)
    watched.pass_time(minutes=6)
    host.answer(WRONG_KEY)
    watched.pass_time(minutes=8)
    assert watched.states() == {"down": 3}
    with watched.app.app_context():
        asked = db.session.scalars(select(EndpointWatch.witness)).one()
        db.session.get_one(RegisteredModel, asked).enabled = False
        db.session.commit()
    host.answer(None)
    watched.pass_time(minutes=8)
    assert watched.states() == {"up": 3}
    assert watched.incidents() == [("invalid_credentials", 3, False)]


def switch(watched: World, name: str, *, enabled: bool) -> None:
    """Enable a model or disable it."""
    with watched.app.app_context():
        db.session.scalars(select(RegisteredModel).filter_by(model_id=name)).one().enabled = enabled
        db.session.commit()


def test_what_a_person_saw_counts_without_waiting_for_a_look(world: Worlds) -> None:
    host = Host()
    watched = world(host)
    host.answer(BROKEN)
    watched.pass_time(minutes=8)
    assert watched.incidents() == [("model_not_found", 1, True)]
    with watched.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().health = "up"  # as a probe of theirs does
        db.session.commit()
        assert (take_over_probed(watched.now), take_over_probed(watched.now)) == (1, 0)
        row = db.session.scalars(select(ModelHealth)).one()
        assert (row.state, row.since, row.reason_code) == ("up", watched.now, None)
    assert watched.incidents() == [("model_not_found", 1, False)]


def test_an_incident_says_why_a_persons_probe_failed(world: Worlds) -> None:
    host = Host()
    watched = world(host)
    watched.pass_time(minutes=6)
    host.answer(BROKEN)
    with watched.app.app_context():
        model = db.session.scalars(select(RegisteredModel)).one()
        for _ in registration.reprobe(model, SYSTEM):
            pass
        take_over_probed(watched.now)
    assert watched.incidents() == [("model_not_found", 1, True)]


def test_after_a_long_pause_looks_do_not_come_all_at_once(world: Worlds) -> None:
    watched = world(Host(models=60))
    watched.pass_time(seconds=1)  # they are known from now on
    watched.now += timedelta(hours=1)
    watched.planned, watched.queue = watched.now, []
    with watched.app.app_context():
        assert spread_overdue(watched.now) == 60
    before = len(watched.taken)
    watched.pass_time(seconds=59)
    assert 0 < len(watched.taken) - before < 30
    watched.pass_time(minutes=4)
    assert len({id for _, id in watched.taken[before:]}) == 60


def test_a_list_that_refuses_the_key_has_the_dear_model_proven(world: Worlds) -> None:
    host = Host(kind="image")
    watched = world(host)
    watched.pass_time(minutes=11)
    assert host.asked.count("m-0") == 0  # it was proven when it got in
    host.answer(WRONG_KEY)
    watched.pass_time(minutes=7)
    assert watched.states() == {"down": 1}
    assert watched.incidents() == [("invalid_credentials", 1, True)]


def test_a_key_that_may_not_read_the_list_costs_one_proof(world: Worlds) -> None:
    host = Host(kind="image")
    watched = world(host)
    watched.pass_time(minutes=11)
    host.refuse = lambda request: WRONG_KEY if request.method == "GET" else None
    watched.pass_time(minutes=60)
    assert (host.asked.count("m-0"), watched.states()) == (1, {"up": 1})


def test_of_three_hosts_one_that_is_gone_is_down(world: Worlds) -> None:
    three = [Host(f"127.0.0.{number}", models=2) for number in (1, 2, 3)]
    watched = world(*three)
    watched.pass_time(minutes=6)
    three[0].cut()
    watched.pass_time(minutes=8)
    assert watched.states() == {"up": 4, "down": 2}
    assert watched.incidents() == [("endpoint_unreachable", 2, True)]


def test_every_fifth_look_fails(world: Worlds) -> None:
    host = Host()
    watched = world(host, watch_seconds=60)
    seen = []
    for number in range(40):
        host.answer(BROKEN if number % 5 == 4 else None)
        looked = len(watched.taken)
        while len(watched.taken) == looked:
            watched.pass_time(seconds=5)
        seen.append(watched.state("m-0"))
    results = watched.results("m-0")
    assert results == ["failed" if number % 5 == 4 else "good" for number in range(40)]
    assert set(seen) == {"up"}


def test_a_lost_capability_is_news_and_then_degraded(world: Worlds) -> None:
    host = Host()
    watched = world(host, watch_full_hours=1, watch_seconds=1800, probe_seconds=20.0)
    watched.pass_time(hours=2)
    host.practice.models["m-0"] = Model("m-0", vision=False)
    watched.pass_time(hours=1)
    with watched.app.app_context():
        found = [one for one in FeedEvent.after(0, 50) if one.kind == "capability"]
        assert [(one.detail["name"], one.detail["to"]) for one in found] == [("vision", False)]
    assert watched.state("m-0") == "up"
    watched.pass_time(hours=1)
    assert watched.state("m-0") == "degraded"


def test_a_change_that_a_persons_probe_saw_first_is_told_to_all_by_the_next_whole_one(world: Worlds) -> None:
    host = Host()
    watched = world(host, watch_full_hours=1, watch_seconds=3600, probe_seconds=20.0)
    watched.pass_time(hours=2)
    host.practice.models["m-0"] = Model("m-0", vision=False)
    with watched.app.app_context():
        model = db.session.scalars(select(RegisteredModel)).one()
        for _ in registration.reprobe(model, SYSTEM):
            pass
        assert (model.capabilities or {})["vision"]["observed"] is False
    watched.pass_time(hours=2)
    with watched.app.app_context():
        found = [one.detail for one in FeedEvent.after(0, 50) if one.kind == "capability"]
    assert [(one["name"], one["from"], one["to"]) for one in found] == [("vision", True, False)]
    assert watched.state("m-0") == "up", "the person has seen it"


def test_of_many_reports_the_last_twenty_stay_and_those_that_saw_a_change(world: Worlds) -> None:
    host = Host()
    watched = world(host, watch_full_hours=1, watch_seconds=3600, probe_seconds=20.0)
    watched.pass_time(hours=2)
    host.practice.models["m-0"] = Model("m-0", context_length=1024)
    watched.pass_time(hours=2)
    with watched.app.app_context():
        last = db.session.scalars(select(Probe).order_by(Probe.id.desc()).limit(1)).one()
        same = {"model_pk": last.model_pk, "verdict": last.verdict, "report": last.report}
        db.session.add_all(Probe(trigger=last.trigger, **same) for _ in range(20))  # as of twenty hours more
        db.session.commit()
    watched.pass_time(hours=2)
    with watched.app.app_context():
        kept = [row.changed for row in db.session.scalars(select(Probe).order_by(Probe.id))]
    assert (len(kept), kept[0], sum(kept)) == (21, True, 1)
