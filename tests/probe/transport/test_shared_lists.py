"""Probes side by side ask an endpoint for its list once; what one key was told is never another's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.transport.answer import Answer
from app.probe.transport.deadline import Cancellation
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import Finished, Report, Target
from tests.endpoints.base import Simulator
from tests.probe.answers import answered
from tests.probe.asked import asked, check

MINE = Target("http://endpoint.test/v1", "key-one", "m-1")
SOON_S = 30.0


@pytest.fixture
def endpoint() -> Iterator[Simulator]:
    """A good endpoint with a list."""
    with Simulator() as simulator:
        yield simulator


def proven(targets: Sequence[Target]) -> list[Report]:
    """A proof of each, side by side, as those of one run."""
    lists = SharedLists()

    def work(target: Target) -> Report:
        events = run(target, MODEL_TYPES["chat"], {}, depth="proof", key_control=False, lists=lists)
        (end,) = (event for event in events if isinstance(event, Finished))
        return end.report

    with ThreadPoolExecutor(len(targets)) as pool:
        return list(pool.map(work, targets))


def read(
    lists: SharedLists, answer: Answer, *, of: Target = MINE, cancelled: Cancellation | None = None
) -> Answer:
    """What a probe of this model gets that would be answered so itself."""
    return lists.read(of, lambda: answer, cancelled or Cancellation(), time.monotonic() + SOON_S)


def test_many_models_with_one_key_ask_once_and_each_is_looked_up(endpoint: Simulator) -> None:
    mine = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
    reports = proven([mine, mine, mine, replace(mine, model_id="not-served")])
    assert len(asked(endpoint, "/models")) == 1
    assert [check(report, "catalog").status for report in reports] == ["passed"] * 4
    assert [report.catalog["listed"] for report in reports] == [True, True, True, False]
    assert [report.verdict for report in reports] == ["accepted"] * 3 + ["rejected"]


def test_another_key_or_another_header_asks_for_itself(endpoint: Simulator) -> None:
    mine = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
    team = replace(mine, settings=replace(mine.settings, headers=(("X-Team", "blue"),)))
    reports = proven([mine, team, replace(mine, api_key="wrong-key-of-another")])
    assert len(asked(endpoint, "/models")) == 3
    assert [check(report, "catalog").status for report in reports] == ["passed", "passed", "inconclusive"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_of_the_moment_is_nobody_elses(status: int) -> None:
    lists, good = SharedLists(), answered(200, {"data": [{"id": "m-1"}]})
    assert read(lists, answered(status)).status == status
    assert read(lists, good) is good
    assert read(lists, answered(200, {"data": []})) is good


def test_that_there_is_no_list_is_told_once() -> None:
    lists, none = SharedLists(), answered(404)
    assert read(lists, none) is none
    assert read(lists, answered(200), of=replace(MINE, model_id="m-2")) is none


def test_a_cancelled_probe_does_not_wait_for_what_another_one_asks() -> None:
    lists, begun, ends, own = SharedLists(), Event(), Event(), answered(200)

    def slowly() -> Answer:
        begun.set()
        ends.wait(SOON_S)
        return answered(200)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lists.read, MINE, slowly, Cancellation(), time.monotonic() + SOON_S)
        begun.wait(SOON_S)
        stop = Cancellation()
        stop.set()
        assert read(lists, own, cancelled=stop) is own and not first.done()
        ends.set()


def test_one_that_breaks_leaves_nobody_waiting() -> None:
    lists, good = SharedLists(), answered(200)

    def broken() -> Answer:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        lists.read(MINE, broken, Cancellation(), time.monotonic() + SOON_S)
    assert read(lists, good) is good
