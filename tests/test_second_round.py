"""The second round of rules: field reports and behaviours of its own, and what the probe concludes."""

from __future__ import annotations

import pytest

from tests.endpoints.judging import judge, probed, running
from tests.endpoints.reports import CHANGES
from tests.endpoints.second_every import SECOND, SECOND_REPORTS, Report

EVERY = [*SECOND_REPORTS, *SECOND]


def test_there_are_enough_of_them() -> None:
    """Twenty reports with their endpoints, and at least 110 behaviours, each with a source."""
    assert len(SECOND_REPORTS) == 20 and {report.id for report in SECOND_REPORTS} <= set(CHANGES)
    assert len(SECOND) >= 110
    assert all(report.source.startswith("https://") for report in EVERY)


@pytest.mark.parametrize("report", EVERY, ids=[report.id for report in EVERY])
def test_the_probe_concludes_rightly(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe alone, at the endpoint of one behaviour."""
    with running(report, monkeypatch) as endpoint:
        judge(report, endpoint, probed(report, endpoint))
