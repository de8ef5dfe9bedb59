"""Moderation models: what counts as a judgement."""

from __future__ import annotations

from typing import Any

import pytest

from app.practice.wire import error
from tests.endpoints.base import Simulator
from tests.probe.asked import asked, check, probed, rejected_as

ROUTE = "/moderations"


def endpoint() -> Simulator:
    """A good endpoint of a moderation model."""
    return Simulator(model_id="judge-1", model_type="moderation")


def gives(answer: Any) -> Simulator:
    """One that answers so."""
    sim = endpoint()
    sim.edit(lambda *_: answer, ROUTE)
    return sim


def test_categories_prove() -> None:
    sim = endpoint()
    report = probed(sim)
    assert report.verdict == "accepted" and "5 categories" in check(report, "proof").evidence
    assert asked(sim, ROUTE)[0].json == {"model": "judge-1", "input": "I like apples."}


@pytest.mark.parametrize(
    "result",
    [
        {"categories": {"hate": False}},
        {"category_scores": {"hate": 0.1}},
        {"categories": ["hate"]},
        {"scores": {"unsafe": 0.2}},
        {"categories": {}, "category_scores": {"hate": 0.1}},
    ],
)
def test_categories_or_scores_are_enough(result: Any) -> None:
    assert probed(gives({"results": [result]})).verdict == "accepted"
    assert probed(gives({"results": result})).verdict == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        {"results": []},
        {"results": [{}]},
        {"results": [{"flagged": False}]},
        {"results": [{"categories": {}}]},
        {"results": None},
        {"results": [{"categories": {"hate": False}}], "error": {"message": "The classifier is broken."}},
        {"choices": [{"message": {"content": "This is harmless."}}]},
    ],
)
def test_nothing_else_is(answer: Any) -> None:
    assert probed(gives(answer)).verdict == "rejected"


def test_a_list_is_tried_where_a_text_is_refused() -> None:
    sim = endpoint()
    sim.refuse(
        error(422, "Input should be a valid list"),
        when=lambda body: isinstance(body["input"], str),
        path=ROUTE,
    )
    assert check(probed(sim), "proof").adaptations == ("sent the text in a list",)


def test_an_unknown_model_is_not_found() -> None:
    sim = endpoint()
    sim.model_id = "judge-2"
    assert rejected_as(probed(sim)) == "model_not_found"
