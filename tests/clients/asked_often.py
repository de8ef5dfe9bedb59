"""The same probe again and again: one wrong verdict in forty once came from an answer that a server gives now
and then only."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.values import Diagnosis, Finished, Report, Target

TIMES = 10
SIDE_BY_SIDE = 5
TYPES = tuple(MODEL_TYPES)
Told = tuple[str, str | None, Mapping[str, Any]]


def probed(url: str, model_type: str, model: str, key: str) -> Report:
    """The report of a probe of depth proof, with the limits that a person has."""
    events = list(run(Target(url, key, model), MODEL_TYPES[model_type], {}, depth="proof"))
    (end,) = (event for event in events if isinstance(event, Finished))
    assert end.report.verdict == "accepted" or end.report.usage["calls"] <= 25
    return end.report


def told(report: Report) -> Told:
    """Code, field and suggestions of a rejection, those in the order of the alphabet; `accepted` for none."""
    found = report.diagnosis or Diagnosis("accepted", None, "")
    return found.code, found.field, {name: tuple(sorted(few)) for name, few in found.suggestions.items()}


def reports_of(url: str, model_type: str, model: str, key: str) -> list[Report]:
    """The reports of ten probes, a few at a time, which all say the same."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        under_way = [pool.submit(probed, url, model_type, model, key) for _ in range(TIMES)]
    reports = [one.result() for one in under_way]
    first = told(reports[0])
    assert [other for report in reports if (other := told(report)) != first] == [], first
    return reports


def always_told(url: str, model_type: str, model: str, key: str) -> Told:
    """What each of ten probes says."""
    return told(reports_of(url, model_type, model, key)[0])
