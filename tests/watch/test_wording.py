"""What channels show: whatever goes wrong, a message says what can be done about it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from app.watch.judgement import Complaint
from app.watch.notices.telling import NEWS
from app.watch.notices.wording import text_of

GOOD = {"incident.resolved", "model.recovered", "test"}
TOLD: dict[str, Any] = {
    "model": {"name": "GPT"}, "since": "2026-03-01T12:00:00.000Z", "owners": ["Search"], "code": "timeout",
    "message": "Nothing came.", "link": "https://muster.example/models/1", "ends": "", "days_left": 7,
}  # fmt: skip


@pytest.mark.parametrize("news", [news for news in NEWS if news not in GOOD])
def test_since_when_whose_why_what_to_do_and_a_link(news: str) -> None:
    lines = text_of({"type": news, "data": TOLD}).splitlines()
    assert lines[:3] == ["Since 2026-03-01 12:00 UTC.", "Owner: Search.", "Nothing came."]
    assert len(lines[3]) > 40 and lines[4:] == [TOLD["link"]]


def test_who_will_not_hear_of_short_outages_any_more_is_told_so() -> None:
    told = text_of({"type": "incident.opened", "data": TOLD | {"often": 4}})
    assert "outage number 4 within an hour: from now on you hear of one only once it has lasted" in told


@pytest.mark.parametrize("complaint", get_args(Complaint))
def test_every_reason_to_be_degraded_comes_with_what_to_do(complaint: str) -> None:
    assert len(text_of({"type": "model.degraded", "data": TOLD | {"code": complaint}}).splitlines()) == 5
