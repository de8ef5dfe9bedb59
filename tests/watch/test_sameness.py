"""The watch sees another model behind the same name, at no further call, and does not cry over nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json
from app.probe.values import Sample
from app.store import rotation
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery
from app.store.watch.events import FeedEvent
from app.store.watch.health import Look, ModelHealth
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch import sameness
from app.watch.due.claims import adopt_new
from app.watch.identity import kept, sequence
from app.watch.identity.digests import Digests, digests_of
from app.watch.identity.samples import PROMPT
from app.watch.identity.told import identity_of
from app.watch.incidents import stamp
from tests.watch.test_watching import QUICK
from tests.watch.voices import Voice, checked, learn, with_logprobs
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
def world(app_with: Callable[..., Flask], host: Host, voice: Voice) -> World:
    """A registry with that model, whose probe saw log-probabilities."""
    return with_logprobs(World(app_with(**QUICK), host))


def settings_of(world: World) -> ModelHealth:
    """How the one model is watched."""
    adopt_new(world.now)
    return db.session.scalars(select(ModelHealth)).one()


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
        payloads = db.session.scalars(select(ModelSample.payload)).all()
    assert len(looks) == len(payloads) == len(voice.bodies)
    assert {len(json.dumps(payload)) for payload in payloads} == {102}
    asked = voice.bodies[0]
    assert (asked["messages"], asked["max_tokens"]) == ([{"role": "user", "content": PROMPT}], 1)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 20)
    assert world.states() == {"up": 1}


def digests(world: World) -> Digests:
    """What is known of the digests of the one model's vectors."""
    with world.app.app_context():
        found = digests_of(db.session.scalars(select(ModelIdentity)).one())
    assert found is not None
    return found


def test_samples_of_an_earlier_version_are_compared_too(world: World, voice: Voice) -> None:
    """They were values by token; those that come now are packed."""
    learn(world, voice)
    world.pass_time(minutes=55)
    with world.app.app_context():
        row = db.session.scalars(select(ModelIdentity)).one()
        kinds = {type(one) for one in ModelSample.baseline_of(row.model_pk)}
        assert kinds == {dict, str}, "both are there"
        assert row.state == "same" and row.distance is not None and row.distance < 0.02
        assert {len(one) for one in [*kept.baseline_of(row), *kept.newest_of(row, 10)]} == {20}


def test_the_same_model_stays_the_same(world: World, voice: Voice) -> None:
    learn(world, voice)
    assert state(world) == "same"
    checked(world, voice, 50)
    world.pass_time(minutes=50)
    assert (state(world), told(world, "answers")) == ("same", [])


def test_another_model_is_told_within_forty_checks(world: World, voice: Voice) -> None:
    learn(world, voice)
    voice.change()
    with world.app.app_context():
        settings_of(world).full_every_hours = 8760
        db.session.commit()
    checked(world, voice, 20)
    assert state(world) == "same"
    world.pass_time(minutes=5 * 20)
    assert state(world) == "differs"
    with world.app.app_context():
        assert db.session.scalars(select(Look.at).where(Look.kind == "full")).all(), "probed wholly at once"
    (event,) = told(world, "answers")
    assert (event["to"], event["message"]) == ("different", "Answers differ from before.")
    assert isinstance(event["p"], float) and event["p"] <= 0.005
    assert isinstance(event["distance"], float) and isinstance(event["noise"], float)
    assert event["distance"] > event["noise"]


def test_a_difference_is_news_for_a_channel(world: World, voice: Voice) -> None:
    learn(world, voice)
    with world.app.app_context():
        channel = Channel(id="c", name="mine", kind="webhook", host="127.0.0.1")
        channel.url_ciphertext = rotation.seal("http://127.0.0.1:1/", channel.place_of("url"))
        channel.filter = {"kinds": ["model.changed"]}
        db.session.add(channel)
        db.session.commit()
    voice.change()
    checked(world, voice, 20)
    world.pass_time(minutes=5 * 20)
    with world.app.app_context():
        (news,) = db.session.scalars(select(Delivery)).all()
        assert news.kind == "model.changed"
        assert "Answers differ from before: they lie" in json.dumps(news.body)


def test_what_changed_with_the_answers_is_told_with_them(app_with: Callable[..., Flask]) -> None:
    """The whole probe that follows at once finds what the other model can't do."""
    host = Host()
    world = with_logprobs(World(app_with(**QUICK | {"probe_seconds": 20.0, "watch_full_hours": 8760}), host))
    voice = Voice(host, whole=True)
    try:
        with world.app.app_context():
            settings_of(world).last_full = None
            db.session.commit()
        world.pass_time(minutes=6)
        learn(world, voice)
        host.practice.models["m-0"] = Model("m-0", vision=False)
        voice.change()
        checked(world, voice, 20)
        world.pass_time(minutes=5 * 20)
    finally:
        host.cut()
    with world.app.app_context():
        found = [one.detail for one in FeedEvent.after(0, 99) if one.kind == "capability"]
        since = db.session.scalars(select(ModelIdentity.differs_since)).one()
        identity = identity_of(db.session.scalars(select(RegisteredModel)).one())
    assert [(one["name"], one["to"]) for one in found] == [("vision", False)]
    assert since is not None and found[0]["answers_differ_since"] == stamp(since)
    assert identity["changed_with_it"] == [{"name": "vision", "from": True, "to": False}]


def test_who_confirms_has_all_learned_anew(world: World, voice: Voice) -> None:
    learn(world, voice)
    voice.change()
    checked(world, voice, 40)
    with world.app.app_context():
        sameness.confirm(db.session.scalars(select(RegisteredModel)).one())
        db.session.commit()
    learn(world, voice)
    assert state(world) == "same"
    checked(world, voice, 40)
    world.pass_time(minutes=40)
    assert (state(world), len(told(world, "answers"))) == ("same", 1)


def test_a_fingerprint_is_told_and_decides_nothing(world: World, voice: Voice) -> None:
    world.pass_time(minutes=6)
    voice.fingerprint = "fp_2"
    world.pass_time(minutes=10)
    assert told(world, "system_fingerprint") == [{"name": "system_fingerprint", "from": "fp_1", "to": "fp_2"}]
    assert state(world) == "learning"


def test_another_way_to_be_asked_is_told_and_learned_anew(world: World, voice: Voice) -> None:
    """Answers to requests of another shape can't be compared with those of before."""
    learn(world, voice)
    voice.limit = "max_completion_tokens"
    world.pass_time(minutes=31)
    (event,) = told(world, "sampling")
    assert event["from"] == "" and "max_completion_tokens" in str(event["to"])
    assert (state(world), told(world, "answers"), world.states()) == ("learning", [], {"up": 1})


def test_another_count_of_the_same_prompt_is_told_once(world: World, voice: Voice) -> None:
    """A tokenizer, a template or text in front: nothing else changes how long the same prompt is."""
    world.pass_time(minutes=6)
    voice.prompt_tokens = 41
    world.pass_time(minutes=15)
    assert told(world, "prompt_tokens") == [{"name": "prompt_tokens", "from": 3, "to": 41}]
    voice.prompt_tokens = 3
    world.pass_time(minutes=6)
    assert len(told(world, "prompt_tokens")) == 1 and state(world) == "learning"


def test_text_in_front_is_one_event_for_all_prompts(world: World, voice: Voice) -> None:
    """Each of four prompts has a length of its own; what was put in front is as long for all."""
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().capabilities = {}
        db.session.commit()
    voice.counts_prompt = True
    world.pass_time(minutes=21)
    assert told(world, "prompt_tokens") == []
    voice.prompt_tokens = 41
    world.pass_time(minutes=21)
    assert len(told(world, "prompt_tokens")) == 1


def test_samples_are_kept_four_minutes_apart_at_least(world: World, voice: Voice) -> None:
    """So a baseline holds a day of load whatever the pace of checks."""
    with world.app.app_context():
        settings_of(world).every_seconds = 60
        db.session.commit()
    world.pass_time(minutes=21)
    with world.app.app_context():
        times = db.session.scalars(select(ModelSample.at).order_by(ModelSample.at)).all()
    assert len(voice.bodies) > 2 * len(times) > 6
    assert min(later - at for at, later in pairwise(times)) >= sequence.SPACED


def test_words_take_no_further_token(world: World, voice: Voice) -> None:
    """The prompts for words are asked with the very limit of a check that samples nothing."""
    with world.app.app_context():
        db.session.scalars(select(RegisteredModel)).one().capabilities = {}
        db.session.commit()
    world.pass_time(minutes=16)
    sampled = list(voice.bodies)
    with world.app.app_context():
        db.session.scalars(select(ModelIdentity)).one().state = "not watched"
        db.session.commit()
    world.pass_time(minutes=6)
    usual = voice.bodies[-1]
    assert len(sampled) >= 3
    assert all(one["messages"] != usual["messages"] for one in sampled)
    assert all({**one, "messages": usual["messages"]} == usual for one in sampled)


def test_what_was_learned_by_an_earlier_version_is_learned_again(world: World, voice: Voice) -> None:
    learn(world, voice)
    with world.app.app_context():
        db.session.scalars(select(ModelIdentity)).one().learned = None
        db.session.commit()
    world.pass_time(minutes=55)
    with world.app.app_context():
        row = db.session.scalars(select(ModelIdentity)).one()
        assert row.learned is not None and len(row.learned["columns"]) == 20
        assert row.state == "same" and row.distance is not None


def test_what_came_and_went_twice_is_no_news_the_third_time(world: World, voice: Voice) -> None:
    """Answers that come and go are those of a replica that the baseline had not met."""
    learn(world, voice)
    usual = voice.base.copy()
    alarms = []
    for moved in (0.1, 0.0, 0.1, 0.0, 0.1):
        voice.base = usual + moved * np.linspace(-1, 1, 20)
        checked(world, voice, 40)
        alarms.append(state(world))
    assert alarms == ["differs", "same", "differs", "same", "same"]
    assert [one["to"] for one in told(world, "answers")] == ["different", "as before"] * 2


def test_fewer_tokens_are_asked_for_where_twenty_are_refused(world: World, voice: Voice) -> None:
    voice.most_tokens = 5
    world.pass_time(minutes=30)
    assert (voice.bodies[-1]["top_logprobs"], world.states()) == (5, {"up": 1})
    with world.app.app_context():
        assert len(db.session.scalars(select(ModelSample.payload)).all()[-1]) == 25


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
    checked(world, voice, 240)
    world.pass_time(minutes=6)
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


def test_an_embedding_model_is_known_by_its_vector(app_with: Callable[..., Flask]) -> None:
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
    world = World(app_with(**QUICK), host)
    try:
        world.pass_time(minutes=5 * 26)
        assert state(world) == "same"
        found = digests(world)
        assert (found.as_learned, found.others_since) == (found.of, None)
        assert found.learned == [found.newest] and "the vector that was learned" in found.summary
        size[0] = 1.05
        world.pass_time(minutes=6)
        after = digests(world)
        assert after.as_learned < after.of and after.newest not in found.learned
        assert after.others_since and "are, to three decimals, not a vector" in after.summary
        assert (state(world), told(world, "answers")) == ("same", [])
        size[0] = -20.0
        world.pass_time(minutes=5 * 4)
        assert (state(world), len(told(world, "answers"))) == ("differs", 1)
        size[0] = 1.0
        world.pass_time(minutes=6)
        assert state(world) == "same"
    finally:
        host.cut()


def test_a_check_costs_next_to_nothing_where_the_window_fits(world: World, voice: Voice) -> None:
    """The processor time of all that is done with samples, with the database: 0.6 ms a check, nearly
    all of it for the sample's row; to judge a window takes 0.03 ms."""
    learn(world, voice)
    with world.app.app_context():
        model = db.session.scalars(select(RegisteredModel)).one()
        health, known = ModelHealth.by_id(model.id), ModelIdentity.by_id(model.id)
        assert health is not None
        at, began = world.now, time.process_time()
        for _ in range(100):
            at += timedelta(minutes=5)
            sameness.take(health, model, known, Sample(top=voice.top()), at)
        db.session.commit()
        assert (time.process_time() - began) / 100 < 0.003
    assert state(world) == "same"
