"""A model that answers with log-probabilities and words, and its first day as the watch keeps it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from sqlalchemy import select

from app.practice.wire import Reply, Request, as_json, error
from app.probe.values import Sample
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch import sameness
from app.watch.identity.samples import PROMPT, WORDS
from app.watch.sampling import Kind, needed_for_baseline
from tests.watch.world import BROKEN, START, Host, World


class Voice:
    """A model as it answers: top log-probabilities with the noise of batching, words, a vector."""

    def __init__(self, host: Host, *, whole: bool = False) -> None:
        """With `whole` only checks are answered so; the practice endpoint answers all else."""
        self.random = np.random.default_rng(1)
        self.base = -0.5 - 0.5 * np.arange(20)
        self.words = ["seven", "blue", "cat", "Ada"]
        self.gives_logprobs, self.most_tokens, self.fingerprint = True, 20, "fp_1"
        self.limit, self.whole = "max_tokens", whole
        self.prompt_tokens, self.counts_prompt = 3, False
        self.bodies: list[dict[str, object]] = []
        host.refuse = self.answer

    def change(self, size: float = 0.1) -> None:
        """Other weights from now on."""
        self.base = self.base + self.random.normal(0, size, 20)

    def top(self, count: int = 20) -> dict[str, float]:
        """The values of one call."""
        values = self.base + self.random.normal(0, 0.01, 20)
        return {f"t{place}": round(float(value), 4) for place, value in enumerate(values[:count])}

    def answer(self, request: Request) -> Reply | None:
        body = request.json
        if not isinstance(body, dict) or "messages" not in body:
            return None
        if self.whole and body["messages"][0]["content"] not in (PROMPT, *WORDS):
            return None
        self.bodies.append(body)
        if not str(body["model"]).startswith("m-"):
            return BROKEN
        if body.get("top_logprobs", 0) > self.most_tokens:
            return error(400, f"top_logprobs must be at most {self.most_tokens}.", param="top_logprobs")
        if self.limit == "max_completion_tokens" and "max_tokens" in body:
            words = (
                "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            )
            return error(400, words, param="max_tokens", code="unsupported_parameter")
        prompt = body["messages"][0]["content"]
        said = self.words[WORDS.index(prompt)] if prompt in WORDS else "y"
        rows = [{"token": t, "logprob": v} for t, v in self.top(body.get("top_logprobs", 0)).items()]
        gives = bool(body.get("logprobs")) and self.gives_logprobs
        logprobs = {"content": [{"token": "t0", "logprob": -0.5, "top_logprobs": rows}]} if gives else None
        counted = self.prompt_tokens + (len(prompt.split()) if self.counts_prompt else 0)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "logprobs": logprobs}
        return as_json(
            {
                "id": "c-1",
                "object": "chat.completion",
                "model": body["model"],
                "system_fingerprint": self.fingerprint,
                "choices": [choice | {"finish_reason": "length" if gives else "stop"}],
                "usage": {"prompt_tokens": counted, "completion_tokens": 1, "total_tokens": counted + 1},
            }
        )


def learn(world: World, voice: Voice, kind: Kind = "logprobs", short_of: int = 1) -> None:
    """A baseline as the first day would have made it, but for the last checks of it."""
    world.pass_time(minutes=6)
    with world.app.app_context():
        row = db.session.scalars(select(ModelIdentity)).one()
        missing = needed_for_baseline(kind) - row.samples - short_of
        for number in range(missing):
            payload = voice.top() if kind == "logprobs" else [number % 4, voice.words[number % 4].lower()]
            at = START - timedelta(minutes=5 * (missing - number))
            db.session.add(ModelSample(model_pk=row.model_pk, kind=kind, at=at, payload=payload))
        row.samples += missing
        db.session.commit()
    world.pass_time(minutes=5 * short_of)


def checked(world: World, voice: Voice, times: int) -> None:
    """So many checks more, five minutes apart: what they tell is kept and judged, but nobody is asked."""
    with world.app.app_context():
        model = db.session.scalars(select(RegisteredModel)).one()
        health, known = ModelHealth.by_id(model.id), ModelIdentity.by_id(model.id)
        assert health is not None and known is not None
        for _ in range(times):
            world.now += timedelta(minutes=5)
            sample = Sample(top=voice.top(), text=voice.words[known.asked % len(WORDS)])
            sameness.take(health, model, known, sample, world.now)
        db.session.commit()
    world.planned = world.now


def with_logprobs(world: World) -> World:
    """The same world, in whose models a probe saw log-probabilities."""
    with world.app.app_context():
        for model in db.session.scalars(select(RegisteredModel)):
            model.capabilities = {"logprobs": {"declared": None, "observed": True, "evidence": ""}}
        db.session.commit()
    return world
