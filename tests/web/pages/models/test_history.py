"""Timeline and curves of a model's probes."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db, now
from app.store.probes import Probe
from app.watch import drift
from app.web.pages.models import charts, history
from app.web.pages.models.charts import Hour, Point
from tests.web.pages.conftest import plain
from tests.web.pages.watch.test_now import add, open_incident

pytestmark = pytest.mark.both_databases

REPORT: dict[str, Any] = {
    "verdict": "accepted",
    "diagnosis": None,
    "capabilities": {
        "vision": {"declared": None, "observed": True, "evidence": ""},
        "reasoning": {"declared": None, "observed": None, "evidence": ""},
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    """The report with other observations."""
    made = deepcopy(REPORT)
    for name, observed in changes.items():
        made["capabilities"][name]["observed"] = observed
    return made


def test_the_same_differs_in_nothing() -> None:
    assert history.differences(REPORT, deepcopy(REPORT)) == []


def test_a_capability_that_is_gone_is_told() -> None:
    assert history.differences(changed(vision=False), REPORT) == ["Vision: yes → no"]


def test_what_could_not_be_told_is_no_difference() -> None:
    assert history.differences(changed(vision=None), REPORT) == []
    assert history.differences(changed(reasoning=True), REPORT) == []


def test_whatever_the_watch_tells_of_as_drift_stands_in_the_timeline() -> None:
    """One probe beside the next: all of issue and feed, in words."""
    prices = {"prompt": 1.5, "completion": 6}
    before = REPORT | {
        "observed": {"context_window": 8192, "embedding_dimensions": 768},
        "answered_by": "m-1",
        "catalog": {"listed": True, "metadata": {"prices": prices}},
    }
    after = before | {
        "observed": {"context_window": 4096, "embedding_dimensions": 1024},
        "answered_by": "m-2",
        "catalog": {"listed": False, "metadata": {"prices": prices | {"prompt": 3}}},
    }
    told = history.differences(after, before)
    assert [one.split(": ")[1] for one in told] == [
        "8,192 → 4,096", "768 → 1,024", "m-1 → m-2", "yes → no", "1.5 → 3",
    ]  # fmt: skip
    assert [one.kind for one in drift.changes(before, after)] == [
        "context", "dimensions", "model", "catalog", "price",
    ]  # fmt: skip


def test_hours_with_failures_are_red_bands_and_each_tells_its_values() -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    seen = [Hour(first + timedelta(hours=n), p95, bad, 12) for n, (p95, bad) in enumerate(HOURS)]
    drawn = charts.hours("Looks", seen)
    assert drawn.count('class="hour bad"') == 2 and drawn.count('class="hour"') == 1
    assert ">0</text>" in drawn and ">1.0 s</text>" in drawn, "from nothing to a round number above"
    assert "no good look, 12 of 12 failed</title>" in drawn and "p95 900 ms, none of 12 failed" in drawn
    assert "36 in 3 hours, 15 failed; the p95 of an hour was 700 ms to 900 ms" in drawn
    assert charts.hours("Looks", seen[:1]) == ""


HOURS = ((900, 0), (None, 12), (700, 3))


def test_a_rejection_names_its_code() -> None:
    down = REPORT | {"verdict": "rejected", "diagnosis": {"code": "rate_limited"}}
    assert history.differences(down, REPORT) == ["accepted → rejected", "rate limited"]
    assert history.differences(REPORT, down) == ["rejected → accepted"]
    assert history.differences(down, down) == []


def test_a_line_needs_two_values() -> None:
    now = datetime.now(UTC)
    one = Point(now, 5.0)
    assert charts.line("First token", "ms", [one]) == ""
    assert charts.line("First token", "ms", [one, Point(now, None)]) == ""
    assert "from 5 ms to 9 ms in 2 probes" in charts.line("First token", "ms", [one, Point(now, 9.0)])


def test_a_line_begins_at_zero_and_shows_what_was_rejected() -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    values = (900.0, None, 950.0, 980.0)
    points = [Point(first + timedelta(hours=hour), value) for hour, value in enumerate(values)]
    drawn = charts.line("Whole probe", "ms", points)
    assert ">0</text>" in drawn and ">1.0 s</text>" in drawn, "from nothing to a round number above"
    (curve,) = re.findall('class="curve" d="([^"]*)"', drawn)
    assert curve.count("M") == 2, "broken where a probe was rejected"
    assert 'class="outage" d="M' in drawn and "; 1 rejected" in drawn
    assert 'class="outage" d=""' in charts.line("Whole probe", "ms", points[2:]), "none where there was none"


def test_a_line_of_equal_values_and_times_stays_in_its_frame() -> None:
    same = [Point(datetime.now(UTC), 7.0)] * 3
    assert "nan" not in charts.line("Speed", "ms", same)


def test_the_page_shows_probes_with_what_differed(app: Flask, editor: FlaskClient, model_url: str) -> None:
    with app.app_context():
        first = db.session.scalars(db.select(Probe)).one()
        report = deepcopy(first.report)
        report["capabilities"]["vision"]["observed"] = False
        db.session.add(
            Probe(
                model_pk=first.model_pk, verdict="accepted", duration_ms=90, trigger="manual", report=report,
                started=first.started + timedelta(hours=1),
            )
        )  # fmt: skip
        db.session.commit()
    page = editor.get(model_url + "/history").text
    assert "Vision: yes → no" in plain(page)
    assert 'class="chart"' in page and "Whole probe: from" in page


def test_incidents_that_are_over_stay_in_the_history(app: Flask, viewer: FlaskClient) -> None:
    model, other = add(app), add(app)
    open_incident(app, model, "over.example.com", resolved=now())
    open_incident(app, other, "others.example.com")
    page = viewer.get(f"/models/{model}/history").text
    assert "over.example.com" in page and "others.example.com" not in page
    assert "over.example.com" not in viewer.get(f"/models/{model}").text


def test_a_model_with_one_probe_has_no_timeline(editor: FlaskClient, model_url: str) -> None:
    page = editor.get(model_url + "/history").text
    assert "What differed" not in page and 'class="chart"' not in page


def probes(*verdicts: str) -> list[Probe]:
    """Probes with these verdicts, newest first, an hour apart."""
    now = datetime.now(UTC)
    return [
        Probe(verdict=verdict, report=REPORT | {"verdict": verdict}, started=now - timedelta(hours=age))
        for age, verdict in enumerate(verdicts)
    ]


def test_since_when_it_is_up_and_what_changed_last() -> None:
    entries = history.timeline(probes("accepted", "accepted", "rejected", "rejected", "accepted"))
    assert history.standing(entries) == history.Standing(entries[1].probe.started, longer=False)
    assert history.standing(entries[2:]) == history.Standing(entries[3].probe.started, longer=False)
    assert history.standing(entries[:2]) == history.Standing(entries[1].probe.started, longer=True)
    assert history.standing(entries[4:]) == history.Standing(entries[4].probe.started, longer=False)
    change = history.last_change(entries)
    assert change is entries[1] and change.differences == ["rejected → accepted"]
    assert history.standing([]) is None and history.last_change(entries[4:]) is None


def test_the_page_says_since_when_it_is_up(editor: FlaskClient, model_url: str) -> None:
    page = plain(editor.get(model_url).text)
    assert "since the probe just now" in page and "What changed" not in page


def test_a_model_without_probes_has_an_empty_timeline() -> None:
    """Such as a row that was restored or brought over without its history."""
    assert history.timeline([]) == []
