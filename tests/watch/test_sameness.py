"""The watch sees another model behind the same name, at no further call, and does not cry over nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.practice.wire import Reply, Request, as_json
from app.probe.values import Sample
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import Look, ModelHealth
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch import sameness
from app.watch.identity.samples import PROMPT
from app.watch.sampling import payload_of
from tests.watch.test_watching import QUICK
from tests.watch.voices import Voice, learn, with_logprobs
from tests.watch.world import Host, World

Worlds = Callable[..., World]


@pytest.fixture
def host() -> Iterator[Host]:
    """One endpoint with one model."""
    made = Host()
    yield made
    made.cut()


@pytest.fixture
def voice(host: Host) -> Voice:
    """How the model at it answers."""
    return Voice(host)


@pytest.fixture
def world(make_app: Callable[..., Flask], host: Host, voice: Voice) -> World:
    """A registry with that model, whose probe saw log-probabilities."""
    return with_logprobs(World(make_app(**QUICK), host))


def state(world: World) -> str:
    """What is known of the one model."""
    with world.app.app_context():
        return db.session.scalars(select(ModelIdentity.state)).one()


def told(world: World, name: str) -> list[dict[str, object]]:
    """The details of the events of this name."""
    with world.app.app_context():
        rows = db.session.scalars(select(FeedEvent).where(FeedEvent.kind == "model"))
        return [dict(row.detail) for row in rows if row.detail["name"] == name]


def test_a_check_is_the_sample_and_costs_no_more_than_a_check(world: World, voice: Voice) -> None:
    world.pass_time(minutes=16)
    with world.app.app_context():
        looks = db.session.scalars(select(Look).order_by(Look.at)).all()
        kept = db.session.scalars(select(ModelSample.payload)).all()
    assert len(looks) == len(kept) == len(voice.bodies)
    assert all(len(json.dumps(payload)) < 400 for payload in kept)
    asked = voice.bodies[0]
    assert (asked["messages"], asked["max_tokens"]) == ([{"role": "user", "content": PROMPT}], 1)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 20)
    assert world.states() == {"up": 1}


def test_the_same_model_stays_the_same(world: World, voice: Voice) -> None:
    learn(world, voice)
    assert state(world) == "same"
    world.pass_time(hours=5)
    assert (state(world), told(world, "answers")) == ("same", [])


def test_another_model_is_told_within_fifty_checks(world: World, voice: Voice) -> None:
    learn(world, voice)
    voice.change()
    world.pass_time(minutes=5 * 50)
    assert state(world) == "differs"
    (event,) = told(world, "answers")
    assert (event["to"], event["message"]) == ("different", "Answers differ from before.")
    assert isinstance(event["p"], float) and event["p"] <= 0.005
    assert isinstance(event["distance"], float) and isinstance(event["noise"], float)
    assert event["distance"] > event["noise"]


def test_who_confirms_has_all_learned_anew(world: World, voice: Voice) -> None:
    learn(world, voice)
    voice.change()
    world.pass_time(minutes=5 * 50)
    with world.app.app_context():
        sameness.confirm(db.session.scalars(select(RegisteredModel)).one())
        db.session.commit()
    learn(world, voice)
    assert state(world) == "same"
    world.pass_time(hours=4)
    assert (state(world), len(told(world, "answers"))) == ("same", 1)


def test_a_fingerprint_is_told_and_decides_nothing(world: World, voice: Voice) -> None:
    world.pass_time(minutes=6)
    voice.fingerprint = "fp_2"
    world.pass_time(minutes=10)
    assert told(world, "system_fingerprint") == [{"name": "system_fingerprint", "from": "fp_1", "to": "fp_2"}]
    assert state(world) == "learning"


def test_fewer_tokens_are_asked_for_where_twenty_are_refused(world: World, voice: Voice) -> None:
    voice.most_tokens = 5
    world.pass_time(minutes=30)
    assert (voice.bodies[-1]["top_logprobs"], world.states()) == (5, {"up": 1})
    with world.app.app_context():
        assert len(db.session.scalars(select(ModelSample.payload)).all()[-1]) == 5


def test_words_are_asked_for_where_log_probabilities_end(world: World, voice: Voice) -> None:
    learn(world, voice)
    voice.gives_logprobs = False
    world.pass_time(minutes=60)
    assert told(world, "logprobs") == [{"name": "logprobs", "from": True, "to": False}]
    with world.app.app_context():
        payloads = db.session.scalars(select(ModelSample.payload).order_by(ModelSample.at)).all()
    assert sorted(payloads[:4]) == [[0, "seven"], [1, "blue"], [2, "cat"], [3, "ada"]]


def test_another_model_shows_by_its_words(world: World, voice: Voice) -> None:
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().capabilities = {}
        db.session.commit()
    learn(world, voice, "words")
    assert state(world) == "same"
    voice.words = ["seven", "green", "dog", "Max"]
    world.pass_time(minutes=5 * 245)
    assert (state(world), len(told(world, "answers"))) == ("differs", 1)


def test_a_model_without_a_word_is_not_watched(world: World, voice: Voice) -> None:
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().capabilities = {}
        db.session.commit()
    voice.words = ["…"] * 4
    world.pass_time(minutes=21)
    assert (state(world), world.states()) == ("not watched", {"up": 1})
    assert voice.bodies[-1]["messages"] == [{"role": "user", "content": "Reply with the single word OK."}]


def test_a_model_that_moved_is_learned_anew(world: World, voice: Voice) -> None:
    learn(world, voice)
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().remote_model_id = "m-0"
        db.session.commit()
    world.pass_time(minutes=6)
    assert state(world) == "same"  # it is sent under the same id as before
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().remote_model_id = "m-other"
        db.session.commit()
    world.pass_time(minutes=6)
    assert state(world) == "learning"


def test_an_embedding_model_is_known_by_its_vector(make_app: Callable[..., Flask]) -> None:
    host = Host(kind="embedding")
    size = [1.0]

    def answer(request: Request) -> Reply | None:
        body = request.json
        if not isinstance(body, dict) or "input" not in body:
            return None
        vectors = [[float(len(text)), size[0], 3.0, 4.0] for text in body["input"]]
        rows = [{"object": "embedding", "index": at, "embedding": v} for at, v in enumerate(vectors)]
        usage = {"prompt_tokens": 9, "total_tokens": 9}
        return as_json({"object": "list", "data": rows, "model": body["model"], "usage": usage})

    host.refuse = answer
    world = World(make_app(**QUICK), host)
    try:
        world.pass_time(minutes=5 * 26)
        assert state(world) == "same"
        size[0] = -20.0
        world.pass_time(minutes=5 * 4)
        assert (state(world), len(told(world, "answers"))) == ("differs", 1)
        size[0] = 1.0
        world.pass_time(minutes=6)
        assert state(world) == "same"
    finally:
        host.cut()


def test_a_check_costs_under_a_millisecond_where_nothing_is_due(world: World, voice: Voice) -> None:
    """The processor time that a sample adds beside the database's own: windows alone are computed."""
    learn(world, voice)
    with world.app.app_context():
        model = db.session.scalars(select(RegisteredModel)).one()
        began = time.process_time()
        for _ in range(200):
            sameness.place_of(model)
            payload_of("logprobs", Sample(top=voice.top()), 0, None)
        assert (time.process_time() - began) / 200 < 0.001
        assert ModelHealth.by_id(model.id) is not None
