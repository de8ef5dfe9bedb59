"""The page of one model, and what is done to it from there."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access.actors import SYSTEM
from app.registry import registration
from app.registry.document import document
from app.registry.probing import ProbeOrder, returned
from app.registry.watching import TRIGGER
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import ModelHealth, Rollup, Span, WatchCost
from app.watch import summary
from app.watch.history import hour_of
from tests.web.pages.conftest import KEY, Form, models, plain, register
from tests.web.pages.watch.test_now import add


def test_everything_that_the_document_says_stands_on_the_page(
    app: Flask, editor: FlaskClient, model_url: str
) -> None:
    text = plain(editor.get(model_url + "/document").text)
    with app.app_context():
        made = document(models(app)[0])
    for name in ("id", "refId", "display_name", "model_id", "owner", "created"):
        assert str(made[name]) in text, name
    assert "Context window 32,768 tokens observed" in text
    assert "Region europe declared" in text
    assert "Streaming yes observed" in text


def test_every_check_has_evidence_and_a_call_to_repeat(
    app: Flask, editor: FlaskClient, model_url: str
) -> None:
    page = editor.get(model_url + "/checks").text
    with app.app_context():
        report = db.session.scalars(db.select(Probe)).one().report
    assert len(report["checks"]) > 5
    for check in report["checks"]:
        assert check["evidence"].replace("`", "")[:30] in plain(page), check["name"]
    links = re.findall(r'<a href="(/models/[^"]*/checks/[^"]*)">', page)
    pages = [editor.get(link).text for link in links]
    calls = [
        shlex.split(plain_code(code))
        for text in pages
        for code in re.findall(r"<code>(curl .*?)</code>", text, re.S)
    ]
    assert len(calls) == sum(bool(check["path"]) for check in report["checks"])
    assert all("Authorization: Bearer $API_KEY" in call for call in calls)


def plain_code(markup: str) -> str:
    """The text of a code block."""
    return (
        markup.replace("&#39;", "'")
        .replace("&#34;", '"')
        .replace("&lt;", "<")
        .replace("&amp;", "&")
        .replace("\\\n", "")
    )


def test_declared_stands_beside_observed(editor: FlaskClient, good: Form) -> None:
    form = good | {"model_id": "practice-chat-no-tools", "depth": "", "supports_tool_calling": "true"}
    text = plain(editor.get(register(editor, form) + "/checks").text)
    assert re.search(
        "Tool calling POST /v1/chat/completions answered 200, [0-9]+ ms yes No, but declared", text
    )
    assert "warning" in text


def test_a_probe_of_the_watch_says_so(app: Flask, editor: FlaskClient, model_url: str) -> None:
    with app.app_context():
        (model,) = models(app)
        returned(registration.watched(model.id, TRIGGER, ProbeOrder(SYSTEM, depth="proof")))
    told = [plain(editor.get(model_url + part).text) for part in ("/checks", "/history")]
    assert all("while it was watched" in text for text in told)


def test_the_key_stands_on_no_page_about_a_model(editor: FlaskClient, model_url: str) -> None:
    parts = ("", ".json", "/checks", "/checks/proof", "/history", "/use", "/document", "/delete")
    for path in ("/models", "/models/new", *(model_url + part for part in parts)):
        answer = editor.get(path)
        assert answer.status_code == 200
        assert KEY not in answer.text, path


def test_a_name_is_never_markup(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"display_name": "<img src=x>", "description": "`<b>`"})
    page = editor.get(url).text
    assert "<img src=x>" not in page and "<b>" not in page


def test_calls_to_copy_name_the_endpoint_and_no_key(editor: FlaskClient, model_url: str, good: Form) -> None:
    page = editor.get(model_url).text
    assert f"curl --globoff {good['base_url']}/chat/completions" in page
    assert "from openai import OpenAI" in page and "os.environ[&#34;API_KEY&#34;]" in page


def test_the_document_as_json(app: Flask, viewer: FlaskClient, model_url: str) -> None:
    got = viewer.get(model_url + ".json").json
    with app.app_context():
        assert got == document(models(app)[0])


def test_probing_again_keeps_another_probe(app: Flask, editor: FlaskClient, model_url: str) -> None:
    assert editor.post(model_url + "/probe").headers["Location"] == model_url + "/checks?done=probed"
    with app.app_context():
        triggers = db.session.scalars(db.select(Probe.trigger).order_by(Probe.id))
        assert list(triggers) == ["registration", "manual"]
    assert "Probed again" in editor.get(model_url + "/checks?done=probed").text


def test_a_probe_that_fails_later_says_so(app: Flask, editor: FlaskClient, model_url: str) -> None:
    with app.app_context():
        db.session.execute(db.update(RegisteredModel).values(remote_model_id="gone-model"))
        db.session.commit()
    editor.post(model_url + "/probe")
    page = editor.get(model_url).text
    assert "The last probe was rejected" in page and "Down" in page
    assert "Streaming" in plain(page), "what an earlier probe saw must stay"


@pytest.mark.parametrize(("enabled", "word"), [("no", "Disabled"), ("yes", "Disable")])
def test_switching(app: Flask, editor: FlaskClient, model_url: str, enabled: str, word: str) -> None:
    editor.post(model_url + "/switch", data={"enabled": enabled})
    assert models(app)[0].enabled is (enabled == "yes")
    assert word in plain(editor.get(model_url).text)


def test_deleting_asks_first(app: Flask, editor: FlaskClient, model_url: str) -> None:
    page = editor.get(model_url + "/delete").text
    assert "Practice chat" in page and "its 1 probe " in page
    assert len(models(app)) == 1


def test_deleting_removes_model_and_probes_and_keeps_the_audit_event(
    app: Flask, editor: FlaskClient, model_url: str
) -> None:
    assert editor.post(model_url + "/delete").headers["Location"] == "/models"
    assert "“Practice chat” is deleted" in editor.get("/models").text
    assert editor.get(model_url).status_code == 404
    with app.app_context():
        assert db.session.scalars(db.select(Probe)).all() == []
        assert "model.deleted" in db.session.scalars(db.select(AuditEvent.action)).all()


@pytest.mark.parametrize("path", ["/delete", "/switch", "/probe"])
def test_a_viewer_changes_nothing(app: Flask, viewer: FlaskClient, model_url: str, path: str) -> None:
    assert viewer.post(model_url + path).status_code == 403
    assert viewer.get(model_url).status_code == 200
    assert len(models(app)) == 1 and models(app)[0].enabled


@pytest.mark.parametrize(
    "path", ["", "/checks", "/checks/proof", "/history", "/use", "/document", ".json", "/delete"]
)
def test_a_model_that_is_not_there(editor: FlaskClient, path: str) -> None:
    answer = editor.get("/models/01a207e7-952e-746a-bba1-fe69c2380000" + path)
    assert answer.status_code == 404


def test_times_are_relative_with_the_exact_one_in_the_title(
    app: Flask, editor: FlaskClient, model_url: str
) -> None:
    with app.app_context():
        db.session.execute(db.update(RegisteredModel).values(created=now() - timedelta(hours=3)))
        db.session.commit()
    assert re.search(
        r'<time datetime="[^"]*Z" title="[^"]* UTC">3 hours ago</time>', editor.get(model_url).text
    )


def test_no_page_has_an_inline_script_or_style(editor: FlaskClient, model_url: str) -> None:
    for path in ("/models", model_url, "/models/new", model_url + "/delete", "/signin"):
        answer = editor.get(path)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", answer.text), path
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_each_part_has_an_address_and_is_marked(viewer: FlaskClient, model_url: str) -> None:
    for part in ("", "/checks", "/history", "/use", "/document"):
        page = viewer.get(model_url + part).text
        assert re.findall(r'<a href="([^"]*)" aria-current="page">(?!Models)', page) == [model_url + part], (
            part
        )
        assert "Practice chat" in page and "32,768" in page, "the head is on each"


def test_a_check_that_there_was_not_is_not_found(viewer: FlaskClient, model_url: str) -> None:
    assert viewer.get(model_url + "/checks/nonsense").status_code == 404


def test_the_first_page_says_what_it_can_do_and_how_it_is_called(viewer: FlaskClient, model_url: str) -> None:
    text = plain(viewer.get(model_url).text)
    assert text.index("What it can do") < text.index("Streaming Yes") < text.index("Call it")
    assert "curl --globoff" in text and "from openai import OpenAI" in text


def test_it_leads_to_its_endpoint_and_says_who_shares_it(
    app: Flask, editor: FlaskClient, good: Form, model_url: str
) -> None:
    endpoint = models(app)[0].endpoint_id
    page = editor.get(model_url).text
    assert f'href="/endpoints/{endpoint}"' in page and "other model" not in page
    register(editor, good | {"model_id": "practice-reasoning"})
    assert "with 1 other model" in plain(editor.get(model_url).text)
    change = plain(editor.get(f"{model_url}/edit").text)
    assert "1 other model shares this base URL and key" in change
    assert f'href="/endpoints/{endpoint}/rotate"' in editor.get(f"{model_url}/edit").text


def test_a_down_model_says_since_when_and_why(app: Flask, viewer: FlaskClient) -> None:
    id = add(app, health="down", display_name="Broken")
    with app.app_context():
        row = db.session.get_one(ModelHealth, id)
        row.since, row.reason_code = now() - timedelta(hours=3), "timeout"
        row.reason_message = "Nothing came within 10 s."
        day = {"model_pk": id, "step": "hour", "at": hour_of(now()) - timedelta(hours=2)}
        db.session.add(Rollup(checks=12, failures=12, down_s=3600, known_s=3600, **day))
        db.session.add(Span(model_pk=id, state="down", begin=now() - timedelta(hours=3), end=now()))
        db.session.commit()
    for path, lasting in ((f"/models/{id}", "for 3 hours"), ("/models", "3 h")):
        page = viewer.get(path).text
        assert lasting in plain(page) and "Nothing came within 10 s." in page
        assert "1 down" in page and 'class="hour-down"' in page
    assert "24 hours 0.00 %" in plain(viewer.get(f"/models/{id}").text)


@pytest.mark.parametrize(
    ("used", "told"),
    [
        (1_000, "1,000 of 50,000 today"),
        (50_000, "used up, so only the list of models is read until midnight UTC, and no more than hourly"),
    ],
)
def test_what_is_left_of_the_days_tokens(app: Flask, viewer: FlaskClient, used: int, told: str) -> None:
    id = add(app, health="up", display_name="Dear")
    spend(app, id, used)
    page = plain(viewer.get(f"/models/{id}").text)
    assert told in page and ("until midnight" in page) == (used == 50_000)


def spend(app: Flask, id: str, tokens: int) -> None:
    """What 70 looks of today have used."""
    with app.app_context():
        cost = WatchCost(model_pk=id, day=now().date(), looks=70, calls=140, tokens=tokens, money=0.0)
        db.session.add(cost)
        db.session.commit()


def test_tokens_that_run_short_make_looks_rarer(app: Flask) -> None:
    id = add(app, health="up", display_name="Dear")
    spend(app, id, 40_000)
    noon = now().replace(hour=12, minute=0, second=0)
    with app.app_context():
        pace = summary.pace_of(db.session.get_one(RegisteredModel, id), noon)
    assert pace is not None and (pace.near, pace.used_up) == (True, False)
    assert pace.every_s == round(12 * 3600 / (10_000 * 70 / 40_000))


def test_the_history_shows_hours_of_looks(app: Flask, viewer: FlaskClient) -> None:
    id = add(app, health="up", display_name="Recovered")
    with app.app_context():
        for ago, bad in ((3, 12), (2, 0)):
            at = hour_of(now()) - timedelta(hours=ago)
            db.session.add(Rollup(model_pk=id, step="hour", at=at, checks=12, failures=bad, p95_ms=700))
        db.session.commit()
    page = viewer.get(f"/models/{id}/history").text
    assert "p95 700 ms, 12 of 12 failed</title>" in page


def test_a_stale_state_looks_stale_everywhere(app: Flask, viewer: FlaskClient) -> None:
    id = add(app, health="up", display_name="Forgotten")
    with app.app_context():
        row = db.session.get_one(ModelHealth, id)
        row.last_check = row.covered = now() - timedelta(hours=1)
        endpoint = row.endpoint_id
        db.session.commit()
    for path in ("/models", f"/models/{id}", "/catalogue", f"/catalogue/{id}", f"/endpoints/{endpoint}"):
        assert "Stale, last up" in plain(viewer.get(path).text), path
    assert "stale" in viewer.get(f"/models/{id}/badge.svg").text


def test_it_says_which_clients_work(app: Flask, editor: FlaskClient, model_url: str) -> None:
    with app.app_context():
        model = db.session.scalars(db.select(RegisteredModel)).one()
        model.capabilities = model.capabilities | {
            "responses_api": {"declared": None, "observed": False, "evidence": ""}
        }
        db.session.commit()
    text = plain(editor.get(model_url).text)
    assert "Codex CLI No missing: Responses API" in text
    assert "Open WebUI Yes seen: Streaming" in text
