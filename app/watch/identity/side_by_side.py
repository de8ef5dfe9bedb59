"""Two registered models sampled side by side: is it the same model elsewhere?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from app.access.actors import Actor
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.probe.values import Sample
from app.registry import watching
from app.registry.document import ref_prefix
from app.registry.form.json_body import shortened
from app.store.models import RegisteredModel
from app.watch.identity.comparison import ENOUGH, Answer, compare_logprobs, compare_words
from app.watch.identity.samples import Kind, Word
from app.watch.sampling import kind_of, payload_of, rows_of, sampling_of

COMPARABLE = ("chat", "completion")
"""Model types whose answers are words or tokens."""
_TOKENS: dict[Kind, tuple[int, int]] = {"logprobs": (10, 1), "words": (24, 16)}
"""Tokens of one call, at most, of the prompt and of the answer."""
_MORE = 4
"""Further calls, for those that bring nothing."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a comparison costs at most. `money` (USD) is None where a model has no price."""

    kind: Kind
    calls: int
    tokens: int
    money: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """How many calls of at most `most` one of the two models has had: 0 is the first, 1 the second."""

    place: int
    calls: int
    most: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer and what it stands on; `samples` are those of each. With 95 % certainty the distance is not
    larger than `at_most`, which is None where too few answers came.
    """

    answer: Answer
    summary: str
    samples: int
    distance: float
    at_most: float | None
    p: float

    @property
    def distance_in_words(self) -> str:
        """How far apart they are, and how far at most."""
        most = "" if self.at_most is None else f" (with 95 % certainty at most {self.at_most:.3g})"
        return f"distance {self.distance:.3g}{most}"


def model_named(text: str, field: str) -> RegisteredModel:
    """The model with this id or refId; ApiError 404, or 409 where several share the refId."""
    one = RegisteredModel.by_id(text)
    found = [one] if one else RegisteredModel.by_ref(text.removeprefix(ref_prefix()))
    if not found:
        raise ApiError("not_found", f"There is no model with the id or refId {shortened(text)}.", field=field)
    if len(found) > 1:
        message = f"{len(found)} models share the refId {shortened(text)}: give an id."
        raise ApiError("ambiguous_reference", message, field=field)
    return found[0]


def price_of(first: RegisteredModel, second: RegisteredModel) -> Price:
    """What it costs to compare two models; ApiError 400 where they can't be."""
    kind = _kind_of(first, second)
    calls, (into, out) = ENOUGH[kind] + _MORE, _TOKENS[kind]
    costs = [(model.input_cost, model.output_cost) for model in (first, second)]
    money = sum((i or 0) * into + (o or 0) * out for i, o in costs) * calls / 1_000_000
    is_told = all(i is not None and o is not None for i, o in costs)
    return Price(kind, 2 * calls, 2 * calls * (into + out), round(money, 6) if is_told else None)


def compare_models(first: RegisteredModel, second: RegisteredModel, actor: Actor) -> Compared:
    """Sample both at the same time and compare. No connection to the database is held meanwhile."""
    *_, found = comparing(first, second, actor)
    assert isinstance(found, Compared), "it comes last"
    return found


def comparing(
    first: RegisteredModel, second: RegisteredModel, actor: Actor, stopped: Cancellation | None = None
) -> Iterator[Asked | Compared]:
    """The same as it goes on: how far each model is after every call, and in the end what was found.

    Once it is `stopped`, no further call is made.
    """
    kind = _kind_of(first, second)
    asked = [sampling_of(kind, turn) for turn in range(ENOUGH[kind] + _MORE)]
    taken: tuple[list[Sample | None], list[Sample | None]] = ([], [])
    streams = [watching.sampled(model, asked, actor) for model in (first, second)]
    for place, sample in _as_they_come(streams, Cancellation(stopped)):
        taken[place].append(sample)
        yield Asked(place, len(taken[place]), len(asked))
    yield _compared(kind, _payloads(kind, taken[0]), _payloads(kind, taken[1]))


def _as_they_come(
    streams: Sequence[Iterator[Sample | None]], stop: Cancellation
) -> Iterator[tuple[int, Sample | None]]:
    """What these streams give, each read by a thread of its own, with the place of the stream."""
    came = SimpleQueue[tuple[int, Sample | None] | None]()

    def read(place: int) -> None:
        try:
            for sample in streams[place]:
                came.put((place, sample))
                if stop.is_set():
                    return
        finally:
            came.put(None)

    pool = ThreadPoolExecutor(len(streams), "compare")
    readers = [pool.submit(read, place) for place in range(len(streams))]
    pool.shutdown(wait=False)  # not at the end, for the reason that app.probe.run has
    try:
        for _ in readers:
            yield from iter(came.get, None)
    finally:
        stop.set()
        wait(readers)
    for reader in readers:
        reader.result()


def as_json(price: Price, found: Compared | None) -> dict[str, Any]:
    """Price and answer as the API gives them; before it was asked, the answer is null."""
    return {"price": asdict(price), "result": asdict(found) if found else None}


def _compared(kind: Kind, one: list[Any], other: list[Any]) -> Compared:
    count = min(len(one), len(other))
    if count < ENOUGH[kind]:
        few = f"Too few answers could be compared: {len(one)} of the first, {len(other)} of the second; "
        return Compared("not told", f"{few}{ENOUGH[kind]} of each are needed.", count, 0.0, None, 1.0)
    random = np.random.default_rng()
    if kind == "words":
        first, second = ([Word(*payload) for payload in part[:count]] for part in (one, other))
        found = compare_words(first, second, random)
    else:
        rows = rows_of(kind, one[:count], other[:count])
        found = compare_logprobs(rows[0], rows[1], random)
    return Compared(found.answer, found.sentence, count, found.distance, found.at_most, found.p)


def _payloads(kind: Kind, samples: list[Sample | None]) -> list[Any]:
    found = (payload_of(kind, one, turn, None) for turn, one in enumerate(samples) if one is not None)
    return [one for one in found if one is not None]


def _kind_of(first: RegisteredModel, second: RegisteredModel) -> Kind:
    kinds = {kind_of(model.model_type, model.capabilities or {}) for model in (first, second)}
    if first.model_type != second.model_type or not kinds <= {"logprobs", "words"}:
        message = "Only two chat models or two completion models can be compared."
        raise ApiError("invalid_request", message, field="second")
    return "logprobs" if kinds == {"logprobs"} else "words"
