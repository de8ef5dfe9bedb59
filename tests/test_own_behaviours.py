"""Behaviours that nobody reported yet: what the probe concludes about each."""

from __future__ import annotations

import pytest

from tests.endpoints.judging import judge, probed, running
from tests.endpoints.own_every import OWN
from tests.endpoints.reports import Report


def test_there_are_enough_of_them() -> None:
    """At least eighty, each with a source."""
    assert len(OWN) >= 80
    assert all(report.source.startswith("https://") for report in OWN)


@pytest.mark.parametrize("report", OWN, ids=[report.id for report in OWN])
def test_the_probe_concludes_rightly(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe alone, at the endpoint of one behaviour."""
    with running(report, monkeypatch) as endpoint:
        judge(report, endpoint, probed(report, endpoint))
