"""Completion models: what counts as a text."""

from __future__ import annotations

from typing import Any

import pytest

from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import sse, text
from tests.probe.asked import asked, check, probed, rejected_as

ROUTE = "/completions"


def endpoint() -> Simulator:
    """A good endpoint of a completion model."""
    return Simulator(model_id="text-1", model_type="completion")


def gives(answer: Any) -> Simulator:
    """One that answers so, streamed or not."""
    sim = endpoint()
    sim.on(ROUTE, answer if isinstance(answer, Reply) else as_json(answer))
    return sim


def choice(**what: Any) -> dict[str, Any]:
    """A completion with one choice."""
    return {"object": "text_completion", "choices": [{"index": 0, **what}]}


def test_a_text_proves_and_little_is_asked_for() -> None:
    sim = endpoint()
    assert probed(sim).verdict == "accepted"
    assert set(asked(sim, ROUTE)[0].json) == {"model", "prompt", "stream", "max_tokens"}


@pytest.mark.parametrize(
    "answer",
    [
        choice(text=" four", finish_reason="length"),
        choice(text="\n", finish_reason="stop"),
        choice(text="", finish_reason="length"),
        choice(text="a"),
        choice(text="", finish_reason="stop") | {"usage": {"completion_tokens": 3}},
    ],
)
def test_a_model_that_ran_counts(answer: Any) -> None:
    assert probed(gives(answer)).verdict == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": []},
        choice(text="", finish_reason="stop"),
        choice(text=None, finish_reason=None),
        choice(text="four") | {"error": {"message": "the sampler is broken"}},
        choice(message={"content": [{"type": "text", "text": "four"}]}, finish_reason="stop"),
        choice(message={"content": "four"}, finish_reason="length") | {"note": "text"},
        choice(text="", finish_reason="error") | {"usage": {"completion_tokens": 3}},
        {},
    ],
)
def test_nothing_said_does_not(answer: Any) -> None:
    assert probed(gives(answer)).verdict == "rejected"


def test_a_streamed_answer_counts_where_one_piece_was_asked_for() -> None:
    assert (
        probed(gives(sse(choice(text=" fo"), choice(text="ur", finish_reason="stop")))).verdict == "accepted"
    )


def test_the_token_limit_is_left_out_where_refused() -> None:
    sim = endpoint()
    sim.refuse(
        error(400, "Unsupported parameter: 'max_tokens'", param="max_tokens"),
        when=lambda body: "max_tokens" in body,
        path=ROUTE,
    )
    report = probed(sim)
    assert report.verdict == "accepted" and check(report, "proof").adaptations


def test_suffix_and_echo_are_never_sent() -> None:
    sim = endpoint()
    sim.refuse(
        text(500, "Unsupported param: suffix"), when=lambda body: {"suffix", "echo"} & set(body), path=ROUTE
    )
    assert probed(sim).verdict == "accepted"


def test_a_chat_model_is_told_apart() -> None:
    sim = Simulator(model_id="talk-1", model_type="chat")
    sim.model_type = "completion"
    report = probed(sim)
    assert rejected_as(report) == "wrong_model_type"
    assert report.diagnosis and report.diagnosis.suggestions == {"model_type": ("chat",)}
