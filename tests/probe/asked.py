"""Probing a simulated endpoint, for the tests of one model type each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.practice.wire import Request
from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Check, Finished, Limits, Report, Target
from tests.endpoints.base import Simulator

QUICK = Limits(probe_s=20.0, check_s=10.0)


def probed(
    endpoint: Simulator,
    *,
    declared: Mapping[str, bool | None] | None = None,
    limits: Limits = QUICK,
    rules: EgressRules | None = None,
    **how: Any,
) -> Report:
    """Start the endpoint, probe it as its own model type with its own key, end it."""
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        asked = MODEL_TYPES[endpoint.model_type]
        events = list(run(typed, asked, declared or {}, limits=limits, rules=rules, **how))
    (ended,) = (event for event in events if isinstance(event, Finished))
    return ended.report


def rejected_as(report: Report) -> str:
    """The code of a rejection; its message for people is there too."""
    assert report.verdict == "rejected" and report.diagnosis is not None
    assert report.diagnosis.message.endswith(".")
    return report.diagnosis.code


def check(report: Report, name: str) -> Check:
    """The one check of this name."""
    (found,) = (one for one in report.checks if one.name == name)
    return found


def asked(endpoint: Simulator, route: str) -> list[Request]:
    """Every request for a route under the base, in order."""
    return [request for request in endpoint.seen if request.path == endpoint.prefix + route]
