"""The form: what it says of each field, what comes of sending it, and that the key stays off the page."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.registry.form.openai_like import OpenAILikeForm
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.store.leases import HeldKey
from app.store.probes import Probe
from app.web.pages.register import layout
from tests.web.pages.conftest import (
    KEY,
    Form,
    error_at,
    hidden,
    models,
    plain,
    problem,
    register,
    rejected,
    suggested,
    with_practice,
)


def test_every_field_of_the_form_stands_on_the_page_once(app: Flask) -> None:
    shown = [hint.name for section in layout.SECTIONS for hint in section.hints]
    with app.test_request_context():
        fields = [field.name for field in OpenAILikeForm().inputs()]
    assert sorted(shown) == sorted(fields)


def test_each_field_has_a_label_and_help_with_its_unit(editor: FlaskClient) -> None:
    page = editor.get("/models/new").text
    for hint in (hint for section in layout.SECTIONS for hint in section.hints):
        assert f'id="{hint.name}"' in page and f'id="{hint.name}-help"' in page, hint.name
    assert page.count("USD per 1,000,000 tokens") == 4


def test_a_good_form_registers(app: Flask, editor: FlaskClient, good: Form) -> None:
    answer = editor.post("/models/new", data=good | {"supports_vision": "false", "max_tokens": "512"})
    model = models(app)[0]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/models/{model.id}?done=registered")
    assert (model.supports_vision, model.supports_tool_calling, model.max_tokens) == (False, None, 512)
    assert model.created_by == "user:editor@example.com"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("base_url", "ftp://x/v1", "http"),
        ("base_url", "", "empty"),
        ("model_id", " ", "empty"),
        ("model_type", "poem", "must be one of"),
        ("region", "x" * 65, "64"),
        ("temperature", "2.5", "from 0 to 2"),
        ("input_cost", "-1", "0 or more"),
        ("max_tokens", "1.5", "whole number"),
        ("input_cost", "NaN", "number"),
    ],
)
def test_a_wrong_field_is_named_at_its_place_and_nothing_is_lost(
    app: Flask, editor: FlaskClient, good: Form, field: str, value: str, words: str
) -> None:
    page = rejected(editor, good | {"description": "Kept, <b>all</b> of it.", field: value}).text
    assert words in error_at(page, field)
    assert f'href="#{field}"' in page and words in problem(page)
    assert "Kept, &lt;b&gt;all&lt;/b&gt; of it." in page
    assert models(app) == []


def test_a_form_without_an_id_complains_of_no_type(editor: FlaskClient, good: Form) -> None:
    """It follows from the id, so the id alone is what is missing."""
    page = editor.post("/models/new", data=good | {"model_id": "", "model_type": ""}).text
    assert "Model id is empty" in page and "Model type must be" not in page


def test_a_wrong_flag_is_named(app: Flask, editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"supports_vision": "perhaps"}).text
    assert "Vision must be yes, no or not declared" in problem(page) and 'id="supports_vision-error"' in page


def test_a_wrong_key_is_said_at_the_key(app: Flask, editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"api_key": "sk-wrong-83c1"}).text
    assert "401" in error_at(page, "api_key") and "Not registered" in problem(page)
    assert "sk-wrong-83c1" not in page
    assert models(app) == []
    with app.app_context():
        actions = list(db.session.scalars(db.select(AuditEvent.action)))
    assert actions == ["model.rejected"]


def test_the_checks_of_a_rejected_probe_are_shown(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"model_id": "practice-chatt"}).text
    assert "What the probe did" in page and "POST /v1/chat/completions" in plain(page)
    assert "$API_KEY" in page


def test_a_suggestion_is_a_button_that_fills_the_field_and_probes_again(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    typed = good | {"base_url": good["base_url"].removesuffix("/v1"), "api_key": KEY + " "}
    page = rejected(editor, typed).text
    assert f"base_url={good['base_url']}" in suggested(page)
    assert KEY not in page and 'id="api_key"' in page
    again = typed | {
        "api_key": "",
        "held_key": hidden(page, "held_key"),
        "use": f"base_url={good['base_url']}",
    }
    register(editor, again)
    assert models(app)[0].base_url == good["base_url"]
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(HeldKey)) == 0


def test_a_suggested_id_goes_where_the_sent_id_stands(app: Flask, editor: FlaskClient, good: Form) -> None:
    typed = good | {"model_id": "ours", "configuration_model_id": "practice-chatt"}
    page = rejected(editor, typed).text
    assert error_at(page, "configuration_model_id") and not error_at(page, "model_id")
    register(editor, typed | {"use": "configuration_model_id=practice-chat"})
    assert (models(app)[0].model_id, models(app)[0].remote_model_id) == ("ours", "practice-chat")


def held(editor: FlaskClient, good: Form) -> Form:
    """The form after a rejected probe: the key field is empty, the page holds an id in its place."""
    page = rejected(editor, good | {"model_id": "practice-chatt"}).text
    assert KEY not in page
    return good | {"api_key": "", "held_key": hidden(page, "held_key")}


def test_a_typed_key_is_used_again(app: Flask, editor: FlaskClient, good: Form) -> None:
    register(editor, held(editor, good))
    assert models(app)[0].endpoint.key_ciphertext


def test_a_kept_key_is_sealed(app: Flask, editor: FlaskClient, good: Form) -> None:
    held(editor, good)
    with app.app_context():
        row = db.session.scalars(db.select(HeldKey)).one()
    assert KEY.encode() not in row.ciphertext


def test_a_kept_key_goes_to_no_other_host(app: Flask, editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, held(editor, good) | {"base_url": "http://localhost:9/v1"}).text
    assert "Type the key again" in error_at(page, "api_key")
    assert "POST" not in problem(page)


def test_a_kept_key_is_forgotten_in_time(app: Flask, editor: FlaskClient, good: Form) -> None:
    form = held(editor, good)
    with app.app_context():
        db.session.execute(db.update(HeldKey).values(expires=now() - timedelta(seconds=1)))
        db.session.commit()
    assert "no longer kept" in error_at(rejected(editor, form).text, "api_key")


def test_a_kept_key_is_nobody_elses(editor: FlaskClient, admin: FlaskClient, good: Form) -> None:
    assert "no longer kept" in error_at(rejected(admin, held(editor, good)).text, "api_key")


def test_no_key_can_be_sent_although_one_is_kept(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, held(editor, good) | {"no_key": "yes"}).text
    assert "401" in error_at(page, "api_key")


def test_a_key_that_is_typed_wins_over_the_kept_one(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, held(editor, good) | {"api_key": "sk-other"}).text
    assert "401" in error_at(page, "api_key")


def test_a_reference_to_the_environment_is_for_administrators(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"api_key": "env://MUSTER_KEY_NOT_SET"}).text
    assert "Only an administrator" in error_at(page, "api_key")
    page = editor.post("/models/new", data=good | {"api_key": "env://MUSTER_KEY_NOT_SET", "do": "look"}).text
    assert "Only an administrator" in page and "has no variable" not in page


def test_a_reference_to_the_environment_is_no_secret_and_stays(admin: FlaskClient, good: Form) -> None:
    page = rejected(admin, good | {"api_key": "env://MUSTER_KEY_NOT_SET"}).text
    assert "MUSTER_KEY_NOT_SET" in error_at(page, "api_key")
    assert 'value="env://MUSTER_KEY_NOT_SET"' in page and hidden(page, "held_key") == ""


def test_probing_only_registers_nothing(app: Flask, editor: FlaskClient, good: Form) -> None:
    answer = editor.post("/models/new", data=good | {"do": "validate"})
    assert answer.status_code == 200
    assert "accepted" in problem(answer.text) and "What the probe did" in answer.text
    assert KEY not in answer.text
    assert models(app) == []


def test_strictness_refuses_what_is_declared_and_not_seen(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    form = good | {"model_id": "practice-chat-no-tools", "supports_tool_calling": "true", "depth": ""}
    page = rejected(editor, form | {"strict": "yes"}).text
    assert 'name="strict" value="yes" aria-describedby="strict-help" checked' in page
    assert models(app) == []
    register(editor, form)


def test_the_proof_alone_makes_no_capability_checks(app: Flask, editor: FlaskClient, good: Form) -> None:
    register(editor, good)
    with app.app_context():
        report = db.session.scalars(db.select(Probe)).one().report
    assert "tool_calling" not in {check["name"] for check in report["checks"]}


def test_a_form_sent_twice_ends_where_the_first_did(app: Flask, editor: FlaskClient, good: Form) -> None:
    form = good | {"nonce": hidden(editor.get("/models/new").text, "nonce")}
    assert form["nonce"]
    assert register(editor, form) == register(editor, form)
    assert len(models(app)) == 1


@pytest.mark.parametrize(
    "change", [{"api_key": "sk-another"}, {"display_name": "Other"}, {"input_cost": "3"}]
)
@pytest.mark.parametrize("own_form", [True, False], ids=["a second form", "gone back"])
def test_another_form_for_the_same_model_is_not_dropped(
    editor: FlaskClient, good: Form, change: Form, own_form: bool
) -> None:
    nonces = [hidden(editor.get("/models/new").text, "nonce") for _ in range(2)]
    there = register(editor, good | {"nonce": nonces[0]})
    answer = editor.post("/models/new", data=good | change | {"nonce": nonces[own_form]})
    assert answer.status_code == 409
    assert "registered already" in problem(answer.text) and f'href="{there}"' in answer.text


def test_what_somebody_else_registered_is_named(editor: FlaskClient, admin: FlaskClient, good: Form) -> None:
    there = register(admin, good)
    answer = editor.post("/models/new", data=good)
    assert answer.status_code == 409
    assert "registered already" in problem(answer.text) and f'href="{there}"' in answer.text


def test_a_preset_fills_in_and_keeps_what_was_typed(editor: FlaskClient) -> None:
    form = {"do": "preset", "preset": "groq", "display_name": "Mine", "api_key": KEY}
    page = editor.post("/models/new", data=form).text
    assert 'value="https://api.groq.com/openai/v1"' in page and 'value="Mine"' in page
    assert "gsk_" in page and problem(page) == ""
    assert KEY not in page and hidden(page, "held_key")


def test_the_practice_preset_registers_as_it_is(app: Flask, editor: FlaskClient, good: Form) -> None:
    with_practice(app, good["base_url"])
    page = editor.get("/models/new?preset=practice").text
    assert f'value="{good["base_url"]}"' in page and hidden(page, "held_key") == "practice"
    # This endpoint wants another key than the practice key, which is what is sent.
    refused = rejected(editor, good | {"api_key": "", "held_key": "practice"}).text
    assert "401" in error_at(refused, "api_key")


def test_the_practice_key_goes_to_the_practice_endpoint_only(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    with_practice(app, good["base_url"])
    form = good | {"api_key": "", "held_key": "practice", "base_url": "http://localhost:9/v1"}
    assert "Type the key again" in error_at(rejected(editor, form).text, "api_key")


def lines(editor: FlaskClient, form: Form) -> list[dict[str, str]]:
    """What a browser with scripts gets: each line of the stream."""
    answer = editor.post("/models/new", data=form, headers={"Accept": "application/x-ndjson"})
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    assert KEY not in answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_stream_shows_each_check_and_ends_at_the_model(app: Flask, editor: FlaskClient, good: Form) -> None:
    got = lines(editor, good | {"depth": ""})
    assert [line["status"] for line in got if line.get("name") == "proof"] == ["running", "passed"]
    assert [line["event"] for line in got].count("end") == 1
    assert got[-1]["location"] == f"/models/{models(app)[0].id}?done=registered"


def test_a_stream_of_a_rejected_probe_ends_with_the_same_page(editor: FlaskClient, good: Form) -> None:
    form = good | {"model_id": "practice-chatt"}
    end = lines(editor, form)[-1]
    assert problem(end["html"]) == problem(rejected(editor, form).text)
    assert suggested(end["html"])


def test_a_stream_of_a_wrong_form_ends_at_once(editor: FlaskClient, good: Form) -> None:
    got = lines(editor, good | {"region": ""})
    assert len(got) == 1 and error_at(got[0]["html"], "region")


def test_a_viewer_can_register_nothing(app: Flask, viewer: FlaskClient, good: Form) -> None:
    assert viewer.post("/models/new", data=good).status_code == 403
    assert models(app) == []


def test_a_form_of_another_site_registers_nothing(app: Flask, editor: FlaskClient, good: Form) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = editor.post("/models/new", data=good)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/models/new"), "the form again"
    assert models(app) == []
