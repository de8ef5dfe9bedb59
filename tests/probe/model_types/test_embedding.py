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


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"embedding": NUMBERS}]},
        {"data": [{"embedding": PACKED}]},
        {"data": [{"embedding": [NUMBERS]}]},
        {"data": [{"embedding": [1, 0, -1]}]},
        {"embeddings": [NUMBERS]},
        {"embeddings": {"float": [NUMBERS]}},
        {"embedding": NUMBERS},
        [NUMBERS],
        [{"embedding": NUMBERS}],
    ],
)
def test_vectors_come_in_many_shapes_and_are_counted(answer: Any) -> None:
    report = probed(gives(answer))
    assert report.verdict == "accepted" and report.observed["embedding_dimensions"] == 3


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


def test_a_list_is_tried_where_a_text_is_refused() -> None:
    sim = endpoint()
    sim.refuse(
        error(422, "Input should be a valid list"),
        when=lambda body: isinstance(body["input"], str),
        path=ROUTE,
    )
    assert check(probed(sim), "proof").adaptations == ("sent the input as a list",)


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
