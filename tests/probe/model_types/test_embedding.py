"""Embedding models: what counts as a vector."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from app.practice.wire import error
from tests.endpoints.base import Simulator
from tests.probe.asked import asked, check, probed, rejected_as

ROUTE = "/embeddings"
NUMBERS = [0.5, -0.25, 0.125]
PACKED = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()


def endpoint() -> Simulator:
    """A good endpoint of an embedding model."""
    return Simulator(model_id="vec-1", model_type="embedding")


def gives(answer: Any) -> Simulator:
    """One that answers so."""
    sim = endpoint()
    sim.edit(lambda *_: answer, ROUTE)
    return sim


def test_a_vector_proves_and_little_is_asked_for() -> None:
    sim = endpoint()
    report = probed(sim)
    assert report.verdict == "accepted" and report.observed["embedding_dimensions"] == 256
    body = asked(sim, ROUTE)[0].json
    assert set(body) == {"model", "input"} and body["input"]


@pytest.mark.parametrize("embedding", [NUMBERS, PACKED, [1, 0, -1]])
def test_vectors_are_lists_or_base64_and_are_counted(embedding: Any) -> None:
    report = probed(gives({"data": [{"embedding": embedding}]}))
    assert report.verdict == "accepted" and report.observed["embedding_dimensions"] == 3
    assert check(report, "proof").adaptations == ("sent one text as a string",), "one came for three texts"


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"embedding": [NUMBERS]}] * 3},
        {"embeddings": [NUMBERS]},
        {"embeddings": {"float": [NUMBERS]}},
        {"embedding": NUMBERS},
        [NUMBERS],
        [{"embedding": NUMBERS}],
        [{"index": 0, "embedding": [NUMBERS]}],
    ],
)
def test_vectors_of_another_api_are_no_proof(answer: Any) -> None:
    """No client of the OpenAI API finds them at the base that is stored."""
    sim = gives(answer)
    if isinstance(answer, dict) and "data" in answer:
        sim.edit(lambda asked, given: {"data": [{"embedding": [_of(at)]} for at in (1, 2, 1)]}, ROUTE)
    assert rejected_as(probed(sim)) == "not_openai_compatible"


def _of(at: int) -> list[float]:
    return [number * at + 0.01 * place * at for place, number in enumerate(NUMBERS)]


def telling(*vectors: list[float]) -> Simulator:
    """One that gives these vectors for the texts, in their order; the indices stand the other way round."""
    rows = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return gives({"data": rows[::-1]})


A, B = [0.1 * (place % 5) - 0.2 for place in range(16)], [0.1 * (place % 7) - 0.3 for place in range(16)]
ONE_ALONE, OTHER_ALONE = [1.0, *[0.0] * 15], [0.0, 1.0, *[0.0] * 14]


@pytest.mark.parametrize(
    "vectors",
    [(A, A, A), (A, B, B), (ONE_ALONE, OTHER_ALONE, ONE_ALONE), (A, B, [-one for one in A])],
    ids=["all alike", "one text twice", "all but one vanish", "the same text otherwise"],
)
def test_vectors_that_tell_nothing_are_no_proof(vectors: tuple[list[float], ...]) -> None:
    assert rejected_as(probed(telling(*vectors))) == "endpoint_error"


@pytest.mark.parametrize(
    "vectors",
    [(A, B, A), (A, B, [one * 1.01 for one in A]), (A, [one + 0.001 for one in A], A), (A[:2], B[:2], A[:2])],
    ids=["plain", "noise", "close", "two numbers only"],
)
def test_vectors_that_tell_texts_apart_are_one(vectors: tuple[list[float], ...]) -> None:
    assert probed(telling(*vectors)).verdict == "accepted"


@pytest.mark.parametrize(
    "embedding",
    [
        [],
        [0.0, 0.0],
        [None, None],
        [0.5, None],
        [0.5, float("nan")],
        [0.5, float("inf")],
        ["0.5"],
        [True],
        "",
        "not base64!",
        base64.b64encode(b"abcde").decode(),
    ],
)
def test_no_numbers_or_only_zeros_are_no_proof(embedding: Any) -> None:
    assert rejected_as(probed(gives({"data": [{"embedding": embedding}]}))) == "endpoint_error"


@pytest.mark.parametrize(
    "answer", [{"data": []}, {}, {"data": [{}]}, {"choices": [{"message": {"content": "a"}}]}]
)
def test_no_vector_is_no_proof(answer: Any) -> None:
    assert probed(gives(answer)).verdict == "rejected"


def test_a_text_is_tried_where_a_list_is_refused() -> None:
    sim = endpoint()
    sim.refuse(
        error(422, "Input should be a valid string"),
        when=lambda body: isinstance(body["input"], list),
        path=ROUTE,
    )
    assert check(probed(sim), "proof").adaptations == ("sent one text as a string",)


def test_a_demanded_field_is_added() -> None:
    sim = endpoint()
    sim.refuse(
        error(400, "'input_type' parameter is required"),
        when=lambda body: "input_type" not in body,
        path=ROUTE,
    )
    assert check(probed(sim), "proof").adaptations == ('added `input_type`: "query"',)


def test_an_embedding_model_offered_as_chat_is_told_apart() -> None:
    sim = endpoint()
    sim.model_type = "chat"
    report = probed(sim)
    assert rejected_as(report) == "wrong_model_type"
    assert report.diagnosis and report.diagnosis.suggestions == {"model_type": ("embedding",)}
