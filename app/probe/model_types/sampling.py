"""Samples of a model, for the question whether it is still the same one: beside a proof, or many alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from app.probe.base_url import Base
from app.probe.conversation.talk import Conversation
from app.probe.model_types.embedding import vector_of
from app.probe.model_types.model_type import ModelType
from app.probe.proof import Outcome, prove
from app.probe.reading.sample import read_sample
from app.probe.shape import Shape
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits, Sample, Sampling, Target

_FAILURES = 3
"""In a row, after which nothing more is asked. One alone is a limit of calls, or chance."""


def first_shape(sampling: Sampling | None) -> Shape:
    """The shape that a proof begins with: one token is enough where log-probabilities are asked for."""
    return Shape(limit=1) if sampling and sampling.tops else Shape()


def sample_of(model_type: ModelType, outcome: Outcome) -> Sample | None:
    """What a proof's answer told; None where another prompt had to be asked, or another route."""
    shape = outcome.shape
    if outcome.proven is None or shape.plain or shape.route:
        return None
    vector = vector_of(outcome.answer.json) if model_type.name == "embedding" else None
    return read_sample(outcome.answer, tuple(vector or ()), "; ".join(shape.adaptations))


def take(
    target: Target, model_type: ModelType, asked: Sequence[Sampling], limits: Limits, rules: EgressRules
) -> Iterator[Sample | None]:
    """Ask these one after the other over one connection; yields a sample each, None where none came.

    Three in a row that fail outright end it: what follows would fail for the same reason.
    """
    deadline = time.monotonic() + limits.probe_s
    with Client(rules, limits, deadline=deadline, settings=target.settings) as client:
        base = Base.of(target.base_url)
        talk = Conversation(target, base, client, limits, deadline, lambda event: None, {}, depth="proof")
        talk.shape = first_shape(asked[0] if asked else None)
        failures = 0
        for one in asked:
            talk.sampling = one
            outcome = prove(talk, model_type.proof)
            if outcome.proven is not None:
                failures, talk.shape = 0, outcome.shape
            else:
                failures += 1
                if failures == _FAILURES:
                    return
            yield sample_of(model_type, outcome)
