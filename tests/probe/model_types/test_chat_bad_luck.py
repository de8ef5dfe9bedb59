"""Failures of the moment that meet every call of one question, since calls come side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.practice.wire import error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import at_first
from tests.endpoints.replies import has_image, roles, schema_of
from tests.probe.asked import asked, check, probed

JSON = Any
FAILED = error(500, "Internal server error")


def has_system(body: JSON) -> bool:
    return "system" in roles(body)


def wants_json(body: JSON) -> bool:
    return schema_of(body) == "json_object"


BESIDE = {"vision": (has_image, 4), "system_message": (has_system, 5), "json_mode": (wants_json, 5)}
"""How many calls are made with a question beside the others: the bundles that hold it, three of its own."""


def fails_at_first(times: int, when: Callable[[JSON], bool]) -> Simulator:
    """The first few calls of this kind fail, and say nothing."""
    endpoint, rule = Simulator(), at_first(times, FAILED)
    endpoint.refuse(lambda request: rule(request) if when(request.json) else None)
    return endpoint


@pytest.mark.parametrize("name", BESIDE)
def test_a_question_that_failed_each_time_is_asked_again_when_the_others_are_done(name: str) -> None:
    when, calls = BESIDE[name]
    report = probed(fails_at_first(calls, when))
    assert report.capabilities[name].observed is True
    assert check(report, name).status == "passed"


def test_where_the_first_of_them_fails_again_the_others_are_not_asked() -> None:
    endpoint = Simulator()
    endpoint.refuse(FAILED, when=lambda body: has_image(body) or wants_json(body))
    report = probed(endpoint)
    assert [report.capabilities[name].observed for name in ("vision", "json_mode")] == [None, None]
    bodies = [request.json for request in asked(endpoint, "/chat/completions")]
    later = [sum(map(when, bodies)) - calls for when, calls in (BESIDE["vision"], BESIDE["json_mode"])]
    assert sorted(later) == [0, 3]
