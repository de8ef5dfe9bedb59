"""Odd and hostile sequences, a line each: what a host does in the course of time, and what follows from it.

An alarm too many is as bad as one too few. `told` are the messages that a channel would send, in their order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.practice.models import KEY
from app.practice.wire import error
from app.store import rotation
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery, Maintenance
from app.store.watch.health import EndpointWatch, ModelHealth
from app.store.watch.incidents import Incident
from app.watch import chores, incidents
from app.watch.notices.wording import text_of, title_of
from app.watch.settling import unwatched
from app.watch.summary import watch_state
from tests.watch.test_watching import QUICK
from tests.watch.world import BROKEN, LIMITED, WRONG_KEY, Host, World

SERVER_ERROR = error(500, "Internal error.")
Cut = str
OFF: Cut = "off"


class Sequence:
    """One host with two models, watched each minute, and what was told of it."""

    def __init__(self, app_with: Callable[..., Flask]) -> None:
        self.host = Host(models=2)
        self.world = World(app_with(**QUICK | {"watch_seconds": 60}), self.host)
        self.is_cut = False
        with self.world.app.app_context():
            channel = Channel(id="c", name="mine", kind="webhook", host="127.0.0.1")
            channel.url_ciphertext = rotation.seal("http://127.0.0.1:1/", channel.place_of("url"))
            db.session.add(channel)
            db.session.commit()
        self.goes_on("well", 1)

    def goes_on(self, how: str, minutes: float) -> None:
        """The host does this for so long; each minute what is due beside looks is done."""
        self._be(how)
        for _ in range(int(minutes)):
            self.world.pass_time(minutes=1)
            with self.world.app.app_context():
                chores.tell(self.world.now)

    def _be(self, how: str) -> None:
        answers = {"broken": BROKEN, "limited": LIMITED, "wrong key": WRONG_KEY, "error": SERVER_ERROR}
        if (how == "off") != self.is_cut:
            self.is_cut = how == "off"
            (self.host.cut if self.is_cut else self.host.connect)()
        self.host.answer(answers.get(how), *(["m-1"] if how == "broken" else []))

    def change(self, name: str = "m-1", **values: Any) -> None:
        """Set columns of a model."""
        with self.world.app.app_context():
            model = db.session.scalars(select(RegisteredModel).filter_by(model_id=name)).one()
            for column, value in values.items():
                setattr(model, column, value)
            db.session.commit()

    def maintenance(self, minutes: float) -> None:
        """Nobody is told of anything for so long, from now on."""
        with self.world.app.app_context():
            ends = self.world.now + timedelta(minutes=minutes)
            db.session.add(Maintenance(scope="all", begins=self.world.now, ends=ends))
            db.session.commit()

    @property
    def told(self) -> list[str]:
        """The titles of all messages."""
        with self.world.app.app_context():
            rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
            return [title_of(row.body) for row in rows]


@pytest.fixture
def sequence(app_with: Callable[..., Flask]) -> Iterator[Sequence]:
    """A host that works, and has been looked at."""
    made = Sequence(app_with)
    yield made
    if not made.is_cut:
        made.host.cut()


DOWN, UP = "Down: 127.0.0.1 (2 models)", "Up again: 127.0.0.1 (2 models)"
CASES: list[tuple[str, list[tuple[str, int]], dict[str, int], list[str]]] = [
    ("one minute off is nothing", [("off", 1), ("well", 12)], {"up": 2}, []),
    ("now limited, now an error: it is down", [("limited", 1), ("error", 12)], {"down": 2}, [DOWN]),
    ("limited all the time: nobody is", [("limited", 30)], {"up": 2}, []),
    ("off, then limited: it can be reached again", [("off", 9), ("limited", 6)], {"up": 2}, [DOWN, UP]),
    (
        "off, then it refuses the key: somebody else has to act",
        [("off", 9), ("wrong key", 6)],
        {"down": 2},
        [DOWN, "Still down: 127.0.0.1 (2 models)"],
    ),
    (
        "off, then errors: the same people are at it already",
        [("off", 9), ("error", 6)],
        {"down": 2},
        [DOWN],
    ),
    (
        "it comes and goes: after the fourth outage within an hour nobody is told of short ones",
        [("off", 7), ("well", 3)] * 6,
        {"up": 2},
        [DOWN, UP] * 4,
    ),
    (
        "it comes and goes, and then stays off",
        [("off", 7), ("well", 3)] * 4 + [("off", 24)],
        {"down": 2},
        [DOWN, UP] * 4 + [DOWN],
    ),
    (
        "off and a refused key by turns",
        [("off", 9)] + [("wrong key", 4), ("off", 4)] * 3,
        {"down": 2},
        [DOWN, "Still down: 127.0.0.1 (2 models)"],
    ),
    (
        "a key that is rotated while it is refused",
        [("wrong key", 9), ("well", 4)],
        {"up": 2},
        [DOWN, UP],
    ),
]


@pytest.mark.parametrize(
    ("course", "states", "told"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_follows(
    sequence: Sequence, course: list[tuple[str, int]], states: dict[str, int], told: list[str]
) -> None:
    for how, minutes in course:
        sequence.goes_on(how, minutes)
    assert (sequence.world.states(), sequence.told) == (states, told)


def test_off_at_every_second_look_is_unsteady(sequence: Sequence) -> None:
    """Each time the repeat is answered, so it is never down; but it does not work well either."""
    world = sequence.world
    for how, looks in [("off", 1), ("well", 2)] * 14:
        sequence._be(how)
        enough = len(world.taken) + looks
        while len(world.taken) < enough:
            world.pass_time(seconds=5)
    assert "degraded" in world.states() and "down" not in world.states()
    assert {title.split(":")[0] for title in sequence.told} == {"Degraded"}


def test_the_incident_has_the_reason_of_today(sequence: Sequence) -> None:
    sequence.goes_on("off", 9)
    sequence.goes_on("wrong key", 6)
    with sequence.world.app.app_context():
        incident = db.session.scalars(select(Incident)).one()
        said = [event.detail["message"] for event in incident.timeline if event.kind == "look"]
        codes = set(db.session.scalars(select(ModelHealth.reason_code)))
        last = db.session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
    assert incident.code == "invalid_credentials" and incident.message == said[-1]
    assert codes == {"invalid_credentials"}
    assert last is not None and incident.message in text_of(last.body)


def test_a_model_that_is_down_for_another_reason_by_now(sequence: Sequence) -> None:
    sequence.goes_on("broken", 9)
    sequence.host.answer(
        error(400, "This model is deprecated and was shut down.", code="model_deprecated"), "m-1"
    )
    sequence.world.pass_time(minutes=6)
    with sequence.world.app.app_context():
        incident = db.session.scalars(select(Incident)).one()
        row = db.session.scalars(select(ModelHealth).where(ModelHealth.state == "down")).one()
        assert (incident.code, incident.message) == (row.reason_code, row.reason_message)
        assert "shut down" in incident.message


def test_an_incident_ends_with_the_last_model_that_is_watched(sequence: Sequence) -> None:
    sequence.goes_on("broken", 9)
    with sequence.world.app.app_context():
        db.session.execute(delete(RegisteredModel).where(RegisteredModel.model_id == "m-1"))
        db.session.commit()
    sequence.goes_on("broken", 1)
    with sequence.world.app.app_context():
        assert incidents.remind(sequence.world.now + timedelta(hours=6)) == 0
    name = "m-1 at 127.0.0.1"
    assert sequence.told == [f"Down: {name}", f"Over, for nobody watches it any more: {name}"]
    assert sequence.world.incidents() == [("model_not_found", 1, False)]


def test_disabled_and_enabled_again_it_is_told_anew(sequence: Sequence) -> None:
    sequence.goes_on("broken", 9)
    sequence.change(enabled=False)
    sequence.goes_on("broken", 2)
    assert sequence.world.states() == {"up": 1, "unknown": 1}
    sequence.change(enabled=True)
    sequence.goes_on("broken", 9)
    assert sequence.world.incidents() == [("model_not_found", 1, False), ("model_not_found", 1, True)]
    assert [title.split(":")[0] for title in sequence.told] == [
        "Down",
        "Over, for nobody watches it any more",
        "Down",
    ]


def test_all_disabled_while_their_endpoint_is_off_and_enabled_once_it_is_back(sequence: Sequence) -> None:
    sequence.goes_on("off", 9)
    sequence.change("m-0", enabled=False)
    sequence.change(enabled=False)
    sequence.goes_on("off", 2)
    assert sequence.world.states() == {"unknown": 2}
    sequence.change("m-0", enabled=True)
    sequence.change(enabled=True)
    sequence.goes_on("well", 8)
    assert (sequence.world.states(), len(sequence.told)) == ({"up": 2}, 2)


def test_who_was_told_of_the_beginning_is_told_of_an_end_in_maintenance(sequence: Sequence) -> None:
    sequence.goes_on("off", 9)
    sequence.maintenance(30)
    sequence.goes_on("well", 20)
    assert (sequence.world.states(), sequence.told) == ({"up": 2}, [DOWN])
    sequence.goes_on("well", 15)
    assert sequence.told == [DOWN, UP]


@pytest.mark.both_databases
def test_workers_that_do_their_chores_at_the_same_moment_remind_once(sequence: Sequence) -> None:
    """Each has a schedule of its own, and all of them begin with the minute."""
    sequence.goes_on("broken", 9)
    together, later = threading.Barrier(4), sequence.world.now + timedelta(hours=6)

    def tend() -> None:
        with sequence.world.app.app_context():
            together.wait()
            chores.tell(later)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(tend) for _ in range(4)]:
            done.result()
    assert [title.split(":")[0] for title in sequence.told] == ["Down", "Still down"]


def test_down_when_maintenance_begins_and_when_it_ends(sequence: Sequence) -> None:
    sequence.goes_on("off", 9)
    sequence.maintenance(30)
    sequence.goes_on("off", 40)
    assert sequence.told == [DOWN], "the same incident is no news"


def test_an_endpoint_that_moved_while_it_was_down(sequence: Sequence) -> None:
    new = Host("127.0.0.2", models=2)
    sequence.goes_on("off", 9)
    with sequence.world.app.app_context():
        endpoint = db.session.scalars(select(Endpoint)).one()
        endpoint.base_url = new.base_url
        endpoint.key_ciphertext = rotation.seal(KEY, endpoint.place_of("key"))
        for model in db.session.scalars(select(RegisteredModel)):
            model.base_url = new.base_url
        db.session.commit()
    sequence.goes_on("off", 4)
    new.cut()
    assert (sequence.world.states(), sequence.told) == ({"up": 2}, [DOWN, UP])
    with sequence.world.app.app_context():
        assert db.session.scalars(select(EndpointWatch.host)).all() == ["127.0.0.2"]


def test_a_clock_that_was_two_days_ahead(sequence: Sequence) -> None:
    """Nobody waits for a moment in two days, and what is known does not seem to be of tomorrow."""
    world, right = sequence.world, sequence.world.now
    world.now += timedelta(days=2)
    world.planned, world.queue = world.now, []
    world.pass_time(minutes=6)
    world.now = world.planned = right
    world.queue = []
    sequence.host.answer(BROKEN, "m-1")
    sequence.goes_on("broken", 10)
    assert world.states() == {"up": 1, "down": 1}
    with world.app.app_context():
        assert unwatched.set_back(world.now) == 0


def test_a_pause_of_three_hours_of_the_watcher(sequence: Sequence) -> None:
    """What was down before, and is well since, is told within the first minutes."""
    world = sequence.world
    sequence.goes_on("off", 9)
    sequence._be("well")
    world.now += timedelta(hours=3)
    world.planned, world.queue = world.now, []
    with world.app.app_context():
        assert watch_state(world.now).stands_still
    sequence.goes_on("well", 4)
    assert (world.states(), sequence.told[0], sequence.told[-1]) == ({"up": 2}, DOWN, UP)


def test_one_of_three_hosts_is_down_when_musters_own_network_is_cut(app_with: Callable[..., Flask]) -> None:
    three = [Host(f"127.0.0.{number}") for number in (1, 2, 3)]
    world = World(app_with(**QUICK), *three)
    world.pass_time(minutes=6)
    three[0].cut()
    world.pass_time(minutes=9)
    for host in three[1:]:
        host.cut()
    world.pass_time(minutes=15)
    assert world.states() == {"up": 2, "down": 1}
    assert world.incidents() == [("endpoint_unreachable", 1, True), ("own_network", 0, True)]
    for host in three[1:]:
        host.connect()
    world.pass_time(minutes=6)
    assert world.states() == {"up": 2, "down": 1}
    assert world.incidents() == [("endpoint_unreachable", 1, True), ("own_network", 0, False)]
    for host in three[1:]:
        host.cut()
