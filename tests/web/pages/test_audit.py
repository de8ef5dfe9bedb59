"""The audit log: who may read what, filters, paging, details without keys."""

from __future__ import annotations

import ast
import html
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.web.pages import audit
from app.web.pages.audit import ACTIONS, PAGE, oldest_id
from tests.web.pages.conftest import KEY, Form, plain, register

pytestmark = pytest.mark.both_databases


def add(app: Flask, count: int = 1, **columns: object) -> None:
    """Events, numbered in the order of their age."""
    usual = {"actor": "token:ci", "action": "model.probed", "detail": {}}
    with app.app_context():
        for number in range(count):
            db.session.add(AuditEvent(**(usual | {"subject": f"event {number:03}"} | columns)))
            db.session.flush()
        db.session.commit()


def rows(page: str) -> list[str]:
    """Each row of the table as plain text."""
    body = page.partition("<tbody")[2].partition("</tbody>")[0]
    return [plain(row) for row in re.findall(r"<tr.*?</tr>", body, re.S)]


def test_it_tells_who_did_what_to_what(editor: FlaskClient, viewer: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    editor.post(url + "/switch", data={"enabled": "no"})
    page = viewer.get("/audit").text
    newest, oldest = rows(page)
    assert "editor@example.com Disabled a model Practice chat" in newest
    assert "Registered a model Practice chat" in oldest and "Model id: practice-chat" in oldest
    assert f'<a href="{url}">Practice chat</a>' in page
    assert KEY not in page


def test_a_model_that_is_gone_is_named_and_not_linked(
    editor: FlaskClient, viewer: FlaskClient, good: Form
) -> None:
    url = register(editor, good)
    editor.post(url + "/delete")
    page = viewer.get("/audit").text
    assert "Deleted a model Practice chat" in rows(page)[0] and url not in page


def test_the_exact_time_stands_in_the_title(app: Flask, viewer: FlaskClient) -> None:
    add(app)
    with app.app_context():
        at = db.session.scalars(db.select(AuditEvent.at)).one()
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in viewer.get("/audit").text


def test_people_and_tokens_are_for_administrators(
    app: Flask, admin: FlaskClient, editor: FlaskClient
) -> None:
    add(app, action="user.created", subject="new@example.com")
    add(app, subject="Practice chat")
    assert [len(rows(browser.get("/audit").text)) for browser in (admin, editor)] == [2, 1]
    page = editor.get("/audit?action=user.created").text
    assert "new@example.com" not in page and '<option value="user.created"' not in page
    assert "administrators see the rest" in page


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("actor=CI", True),
        ("actor=nobody", False),
        ("actor=%25", False),
        ("action=model.updated", True),
        ("action=model.deleted", False),
        ("action=nonsense", True),
        ("q=practice", True),
        ("q=old.example.com", True),
        ("q=Z%C3%BCrich", True),
        ("q=nothing", False),
        ("q=%00", True),
        ("model=019a0000-0000-7000-8000-000000000001", True),
        ("model=019a0000-0000-7000-8000-000000000002", False),
    ],
)
def test_filters_stand_in_the_url(app: Flask, viewer: FlaskClient, query: str, kept: bool) -> None:
    add(
        app,
        action="model.updated",
        subject="Practice chat",
        model_pk="019a0000-0000-7000-8000-000000000001",
        detail={"changes": {"base_url": ["http://old.example.com", "http://new"], "region": ["a", "Zürich"]}},
    )
    answer = viewer.get(f"/audit?{query}")
    assert answer.status_code == 200 and len(rows(answer.text)) == int(kept)
    assert ("No matching events" in answer.text) is not kept


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [
        (0, 0, True),
        (-1, 1, True),
        (None, 0, True),
        (0, None, True),
        (1, None, False),
        (None, -1, False),
        (-3, -1, False),
    ],
)
def test_a_span_of_days_includes_both(
    app: Flask, viewer: FlaskClient, since: int | None, until: int | None, kept: bool
) -> None:
    add(app)
    with app.app_context():
        day = db.session.scalars(db.select(AuditEvent.at)).one().date()
    given = {
        name: (day + timedelta(days=distance)).isoformat()
        for name, distance in (("since", since), ("until", until))
        if distance is not None
    }
    page = viewer.get("/audit", query_string=given).text
    assert len(rows(page)) == int(kept)
    assert all(f'value="{value}"' in page for value in given.values())


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", "2026-1-1"])
def test_a_day_that_is_none_counts_as_not_given(app: Flask, viewer: FlaskClient, day: str) -> None:
    add(app)
    answer = viewer.get("/audit", query_string={"since": day, "until": day})
    assert answer.status_code == 200 and len(rows(answer.text)) == 1


def test_ids_of_a_moment_are_in_the_order_of_time() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    assert UUID(oldest_id(moment)).int >> 80 == int(moment.timestamp() * 1000)
    assert oldest_id(moment) < oldest_id(moment + timedelta(milliseconds=1))


def test_pages_follow_one_another_and_keep_the_filters(app: Flask, viewer: FlaskClient) -> None:
    add(app, PAGE + 2)
    first = viewer.get("/audit?actor=ci").text
    assert len(rows(first)) == PAGE and f"event {PAGE + 1:03}" in rows(first)[0]
    link = re.search(r'rel="next" href="([^"]*)"', first)
    assert link and "actor=ci" in link[1]
    second = viewer.get(html.unescape(link[1])).text
    assert ["event 001" in row or "event 000" in row for row in rows(second)] == [True, True]
    assert 'rel="next"' not in second and 'href="/audit?actor=ci">First page' in second


def test_the_events_of_one_model(editor: FlaskClient, app: Flask, viewer: FlaskClient, good: Form) -> None:
    id = register(editor, good).rpartition("/")[2]
    add(app)
    page = viewer.get(f"/audit?model={id}").text
    assert len(rows(page)) == 1 and "Only what was done to Practice chat" in plain(page)
    gone = "019a0000-0000-7000-8000-000000000002"
    assert "a model that is gone" in viewer.get(f"/audit?model={gone}").text


def test_an_empty_log_says_what_will_be_there(viewer: FlaskClient) -> None:
    assert "Nothing has happened yet" in viewer.get("/audit").text


def test_a_subject_is_never_markup(app: Flask, viewer: FlaskClient) -> None:
    add(app, subject="<script>alert(1)</script>", detail={"note": "<b>bold</b>"})
    page = viewer.get("/audit").text
    assert "<script>alert" not in page and "<b>" not in page


def test_it_needs_somebody_signed_in(client: FlaskClient) -> None:
    assert client.get("/audit").status_code == 303


def test_changes_show_both_values_but_never_a_key() -> None:
    detail = {"changes": {"api_key": ["sk-old", "sk-new"], "input_cost": [None, 0.5]}, "verdict": "accepted"}
    assert audit.lines(detail) == [
        audit.Line("API key", "changed; never shown"),
        audit.Line("Input cost", "0.5", "not given"),
        audit.Line("Verdict", "accepted"),
    ]
    assert audit.lines({"password": "secret"}) == [audit.Line("Password", "not shown")]


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"key": "stored"}, ("Key", "stored")),
        ({"key": "env://MUSTER_KEY_A"}, ("Key", "env://MUSTER_KEY_A")),
        ({"key": "sk-secret"}, ("Key", "not shown")),
        ({"use": "list_models"}, ("Use", "list its models")),
        ({"name": "list_models"}, ("Name", "list_models")),
        ({"expires": "2027-02-26T01:02:47.371000+00:00"}, ("Expires", "2027-02-26 01:02:47 UTC")),
        ({"name": "2027-02-30T01:02:47Z"}, ("Name", "2027-02-30T01:02:47Z")),
        ({"name": "0001-01-01T00:00:00+10:00"}, ("Name", "0001-01-01T00:00:00+10:00")),
    ],
)
def test_a_use_of_a_key_and_a_time_read_as_words(detail: dict[str, str], told: tuple[str, str]) -> None:
    (line,) = audit.lines(detail)
    assert (line.label, line.value) == told


def test_a_detail_of_another_shape_does_no_harm() -> None:
    odd = {"changes": ["a"], "list": [1, [2]], "none": None, "long": "x" * 1000}
    shown = {line.label: line.value for line in audit.lines(odd)}
    assert shown == {"List": "1, 2", "Long": "x" * 300 + "…"}
    assert audit.lines({"changes": {"region": "not a pair"}}) == []


def test_every_action_of_the_program_has_words() -> None:
    pattern = re.compile(r"(model|token|user|keys|access)\.[a-z_]+")
    found = {
        node.value
        for path in (ROOT / "app").rglob("*.py")
        if path.name not in ("audit.py", "channels.py") and ROOT / "app/watch" not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value)
    }
    assert len(found) > 10 and found - set(ACTIONS) == set()


def test_every_action_that_is_recorded_has_words() -> None:
    calls = [
        node
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("record", "record_now", "_note")
    ]
    said = {
        part.value
        for call in calls
        for argument in call.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    actions = {text for text in said if re.fullmatch(r"[a-z]+\.[a-z_]+", text)}
    assert len(actions) > 30 and actions - set(ACTIONS) == set()
