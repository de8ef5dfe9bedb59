"""What tells of an error in an answer, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from app.practice.wire import as_json
from app.probe.reading.faults import is_error_event, is_error_value
from app.probe.values import Limits
from tests.endpoints.base import Simulator
from tests.probe.answers import refusal, streamed
from tests.probe.asked import probed, rejected_as

JSON = Any
QUICK_LIMITS = Limits(probe_s=2.0, wait_s=0.2)
EMPTY: list[JSON] = [
    None,
    False,
    "",
    0,
    {},
    [],
    "success",
    {"message": "", "type": "", "param": "", "code": None},
    {"code": 0, "message": "success"},
    {"code": "0", "message": "OK."},
    {"code": 200, "message": None},
    {"message": "", "metadata": {"raw": ""}},
]
TELLING: list[JSON] = [
    True,
    1,
    "boom",
    "false",
    {"message": "boom"},
    {"message": "", "code": 500},
    {"code": "model_not_found"},
    {"message": "success", "code": 1004},
    {"type": "server_error", "message": ""},
    {"metadata": {"raw": "busy"}},
    [{"message": "boom"}],
]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_error_is_none(value: JSON) -> None:
    assert not is_error_value(value)
    assert not refusal(200, {"choices": [], "error": value}).is_error


@pytest.mark.parametrize("value", TELLING, ids=repr)
def test_an_error_with_something_in_it_is_one(value: JSON) -> None:
    assert is_error_value(value)
    assert refusal(200, {"choices": [], "error": value}).is_error


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        ("chat", "/chat/completions"),
        ("completion", "/completions"),
        ("rerank", "/rerank"),
        ("moderation", "/moderations"),
        ("image", "/images/generations"),
        ("stt", "/audio/transcriptions"),
        ("embedding", "/embeddings"),
    ],
)
def test_an_empty_error_beside_a_good_answer_changes_nothing(kind: str, route: str) -> None:
    sim = Simulator(model_type=kind)
    sim.edit(lambda asked, answer: answer | {"error": {"message": "", "type": "", "code": None}}, route)
    assert probed(sim, depth="proof").verdict == "accepted"


@pytest.mark.parametrize(
    ("event", "failed"),
    [
        ({"type": "session.error"}, True),
        ({"type": "session.closed", "reason": "x"}, True),
        ({"type": "session.created", "error": {"code": "x"}}, True),
        ({"type": "transcription_session.failed"}, True),
        ({"type": "session_expired"}, True),
        ({"type": "error"}, True),
        ({"type": "session.created", "error": None}, False),
        ({"type": "session.updated"}, False),
        ({"type": None}, False),
        ("error", False),
    ],
)
def test_events_that_tell_of_a_failure(event: JSON, failed: bool) -> None:
    assert is_error_event(event) is failed


def failed_choice(**more: JSON) -> dict[str, JSON]:
    """A completion that its one choice says has failed."""
    choice = {"index": 0, "finish_reason": "error", "message": {"role": "assistant", "content": ""}}
    return {"object": "chat.completion", "choices": [choice | more]}


def test_the_error_of_a_choice_is_read() -> None:
    words = refusal(200, failed_choice(error={"code": 502, "message": "Upstream error: lost"}))
    assert (words.is_error, words.text, words.tags) == (True, "Upstream error: lost", "502")
    words = refusal(200, streamed(failed_choice(error={"message": "No."}, delta={})))
    assert (words.is_error, words.text) == (True, "No.")
    assert refusal(200, failed_choice()).is_error
    assert not refusal(200, failed_choice(finish_reason="stop", error=None)).is_error


@pytest.mark.parametrize(
    ("error", "content", "code"),
    [
        ({"code": 502, "message": "Upstream error from Together: connection lost"}, "", "model_unavailable"),
        ({"code": 502, "message": "Upstream error from Together: connection lost"}, "O", "model_unavailable"),
        ({"code": 429, "message": "Rate limit exceeded: free-models-per-day."}, "", "quota_exhausted"),
        (None, "", "endpoint_error"),
        (None, "partial", "endpoint_error"),
    ],
)
def test_a_failed_choice_proves_nothing(error: JSON, content: str, code: str) -> None:
    sim = Simulator()
    message = {"role": "assistant", "content": content}
    body = failed_choice(error=error, message=message) | {"usage": {"completion_tokens": 9}}
    sim.on("/chat/completions", as_json(body))
    report = probed(sim, limits=QUICK_LIMITS)
    assert rejected_as(report) == code
    told = (error or {"message": "finish_reason `error`"})["message"].rstrip(".")
    assert report.diagnosis and told in report.diagnosis.message
