"""Counting repeated runs: the rate, its interval, runs in a row, kinds of error."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from app.practice.wire import Reply, Request, error
from app.probe.reliability import Repeat, Trial, pass_hat, reliability_of, wilson
from app.probe.values import Report
from tests.endpoints.base import Simulator
from tests.probe.asked import asked, probed

JSON = Any


@pytest.mark.parametrize(
    ("passed", "runs", "low", "high"),
    [(10, 10, 0.7225, 1.0), (7, 10, 0.3968, 0.8922), (0, 10, 0.0, 0.2775), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(passed: int, runs: int, low: float, high: float) -> None:
    """Values of R's `binom.confint(passed, runs, methods = "wilson")`."""
    assert list(wilson(passed, runs)) == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize(
    ("passed", "runs", "k", "right"),
    [(7, 10, 1, 0.7), (7, 10, 2, 21 / 45), (7, 10, 8, 0.0), (10, 10, 8, 1.0)],
)
def test_runs_in_a_row(passed: int, runs: int, k: int, right: float) -> None:
    assert pass_hat(passed, runs, k) == pytest.approx(right)


def test_trials_are_counted_by_check_and_kind() -> None:
    trials = [Trial("a", None), Trial("a", "no_call", "said hello"), Trial("b", "cut_off"), Trial("a", None)]
    told = reliability_of("a", trials).as_dict()
    assert (told["runs"], told["passed"], told["errors"]) == (3, 2, {"no_call": 1})
    assert told["rate"] == 0.6667 and told["example"] == "said hello"
    assert set(told["pass_hat"]) == {"1", "2"}


def repeated(endpoint: Simulator, times: int = 6, *checks: str) -> JSON:
    """What the report tells of checks that were repeated."""
    report: Report = probed(endpoint, repeat=Repeat(times, checks or ("tool_calling",)))
    assert report.verdict == "accepted", report.diagnosis
    return report.as_dict()["reliability"]


def test_a_good_endpoint_passes_each_time() -> None:
    endpoint = Simulator()
    told = repeated(endpoint, 5, "tool_calling", "json_mode")
    assert [(one["check"], one["passed"], one["runs"]) for one in told] == [
        ("tool_calling", 5, 5),
        ("json_mode", 5, 5),
    ]
    assert len([one for one in asked(endpoint, "/chat/completions") if "tools" in one.json]) == 5


def edit_calls(change: Any) -> Any:
    """A change of every third answer's calls."""
    counted = itertools.count()

    def edited(wanted: JSON, message: JSON) -> None:
        if message.get("tool_calls") and next(counted) % 3 == 2:
            change(message)

    return lambda endpoint: endpoint.edit_message(edited)


def renamed(message: JSON) -> None:
    message["tool_calls"][0]["function"]["name"] = "get_wether"


def unfinished(message: JSON) -> None:
    message["tool_calls"][0]["function"]["arguments"] = '{"city": '


def spoken(message: JSON) -> None:
    message |= {"content": "It is sunny."}
    del message["tool_calls"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [(renamed, "wrong_name"), (unfinished, "arguments_not_json"), (spoken, "no_call")],
)
def test_what_goes_wrong_now_and_then_is_told_by_its_kind(change: Any, kind: str) -> None:
    endpoint = Simulator()
    edit_calls(change)(endpoint)
    (told,) = repeated(endpoint)
    assert (told["passed"], told["errors"]) == (4, {kind: 2})


def test_arguments_against_a_strict_schema() -> None:
    endpoint = Simulator()

    def other(wanted: JSON, message: JSON) -> None:
        for call in message.get("tool_calls") or []:
            call["function"]["arguments"] = json.dumps({"label": "other"})

    endpoint.edit_message(other)
    (told,) = repeated(endpoint, 3, "strict_tool")
    assert (told["passed"], told["errors"]) == (0, {"arguments_against_schema": 3})


def test_limits_are_told_apart_from_the_model() -> None:
    endpoint = Simulator()
    counted = itertools.count()

    def limited(request: Request) -> Reply | None:
        busy = error(429, "Rate limit exceeded, try again in 600s")
        return busy if "tools" in request.json and next(counted) % 2 else None

    endpoint.on("/chat/completions", limited)
    (told,) = repeated(endpoint, 4)
    assert (told["passed"], told["errors"]) == (2, {"refused_by_limits": 2})
