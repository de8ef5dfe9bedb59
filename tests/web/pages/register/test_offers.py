"""What the form offers by itself: guesses, buttons that would work, list prices, a trial's model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.registry.declared.price_catalogue import looked_up, source
from app.store.base import db, now
from app.store.labels import Labels, labels_of
from app.store.leases import Trial
from app.store.probes import Probe
from tests.web.pages.conftest import KEY, Form, error_at, hidden, models, plain, problem, register, rejected

OPENAI = "https://api.openai.com/v1"


def is_there(page: str, field: str) -> bool:
    """Whether a field is there for the chosen type: what is not can't be filled in."""
    control = re.search(rf'<(?:input|select)\b[^>]*\bid="{field}"[^>]*>', page)
    around = re.search(rf'<fieldset class="flag"[^>]*aria-describedby="{field}-help"[^>]*>', page)
    assert control, field
    return " disabled" not in control[0] + (around[0] if around else "")


def test_name_and_type_follow_from_the_id(app: Flask, editor: FlaskClient, good: Form) -> None:
    register(editor, good | {"model_id": "practice-embedding", "model_type": "", "display_name": ""})
    model = models(app)[0]
    assert (model.model_type, model.display_name) == ("embedding", "practice-embedding")


def test_what_was_said_wins_over_what_the_id_suggests(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"model_id": "practice-embedding", "region": ""}).text
    assert '<option value="chat" selected>' in page and 'value="Practice chat"' in page


def test_a_form_without_an_id_asks_for_the_id_alone(editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"model_id": "", "display_name": ""}).text
    assert "Model id" in problem(page) and not error_at(page, "display_name")


@pytest.mark.parametrize(
    ("kind", "field", "there"),
    [
        ("chat", "temperature", True),
        ("embedding", "temperature", False),
        ("embedding", "input_cost", True),
        ("embedding", "output_cost", False),
        ("chat", "supports_tool_calling", True),
        ("rerank", "supports_tool_calling", False),
        ("image", "cost_per_image", True),
        ("chat", "cost_per_image", False),
        ("image", "supports_image_edit", True),
    ],
)
def test_fields_of_other_types_are_not_there(editor: FlaskClient, kind: str, field: str, there: bool) -> None:
    page = editor.post("/models/new", data={"do": "type", "model_type": kind}).text
    assert is_there(page, field) == there


def test_a_section_without_fields_is_not_there(editor: FlaskClient) -> None:
    page = editor.post("/models/new", data={"do": "type", "model_type": "rerank"}).text
    assert re.search(r'id="section-capabilities"[^>]* hidden>', page)


def test_what_another_type_has_and_holds_something_stays(editor: FlaskClient, good: Form) -> None:
    page = editor.post(
        "/models/new", data=good | {"do": "type", "model_type": "stt", "temperature": "1"}
    ).text
    assert is_there(page, "temperature")


@pytest.mark.parametrize(
    ("change", "field", "section"),
    [({"temperature": "9"}, "temperature", "limits"), ({"contact": "nobody"}, "contact", "labels")],
)
def test_what_is_folded_away_opens_where_it_is_wrong(
    editor: FlaskClient, good: Form, change: Form, field: str, section: str
) -> None:
    page = rejected(editor, good | change).text
    assert error_at(page, field) and f'href="#{field}"' in page
    assert re.search(rf'id="section-{section}" open', page)
    assert not re.search(r'id="section-pricing" open', page)


def test_labels_are_given_with_the_registration(app: Flask, editor: FlaskClient, good: Form) -> None:
    register(editor, good | {"owner": "Platform", "contact": "p@example.com", "tags": "prod, eu"})
    with app.app_context():
        assert labels_of(models(app)[0].id) == Labels("Platform", "p@example.com", ("eu", "prod"))


def test_labels_are_changed_in_the_form_without_a_probe(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"owner": "Platform", "tags": "prod"})
    page = editor.get(url + "/edit").text
    assert 'name="owner" type="text" value="Platform"' in page
    sent = good | {"api_key": "", "seen": hidden(page, "seen"), "owner": "Search", "contact": "", "tags": ""}
    assert editor.post(url + "/edit", data=sent).headers["Location"].endswith("done=changed")
    with app.app_context():
        assert labels_of(models(app)[0].id) == Labels("Search")
        assert db.session.scalar(db.select(db.func.count()).select_from(Probe)) == 1


def test_list_prices_are_offered_and_stored_only_where_they_are_taken(editor: FlaskClient) -> None:
    known = looked_up(OPENAI, "gpt-4o")
    assert known is not None
    form = {"base_url": OPENAI, "model_id": "gpt-4o", "do": "type", "input_cost": "9"}
    page = editor.post("/models/new", data=form).text
    assert f"{source()} has for this model" in plain(page)
    assert 'name="output_cost" type="text" value=""' in page
    page = editor.post("/models/new", data=form | {"do": "prices"}).text
    output = format(known.values["output_cost"], ".10g")
    assert 'name="input_cost" type="text" value="9"' in page
    assert f'name="output_cost" type="text" value="{output}"' in page
    assert f'data-adopted="output_cost">From {source()}.' in page


def test_the_banner_offers_to_do_without_the_demand(app: Flask, editor: FlaskClient, good: Form) -> None:
    wrong = {"model_id": "practice-chat-no-tools", "supports_tool_calling": "true", "strict": "yes"}
    form = good | wrong | {"depth": ""}
    assert 'name="use" value="strict=no"' in rejected(editor, form).text
    register(editor, form | {"use": "strict=no"})


def test_the_banner_offers_another_try_where_it_may_be_over_in_a_minute(
    editor: FlaskClient, good: Form
) -> None:
    page = rejected(editor, good | {"base_url": "http://127.0.0.1:9/v1"}).text
    assert re.search(r'id="problem".*?name="do" value="save">Probe again<', page, re.S)
    page = rejected(editor, good | {"api_key": "sk-wrong"}).text
    assert ">Probe again<" not in page


class Counted:
    """A practice endpoint that counts what it was asked."""

    def __init__(self) -> None:
        self.practice, self.asked = Practice(key=KEY), 0
        self.server = PracticeServer(self._respond)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def _respond(self, request: Request) -> Reply:
        self.asked += 1
        return self.practice.respond(request)


@pytest.fixture
def counted() -> Iterator[Counted]:
    """An endpoint of this test's own."""
    made = Counted()
    yield made
    made.server.stop()


def tried(editor: FlaskClient, form: Form) -> Form:
    """What a browser sends to register after an accepted trial of this form."""
    answer = editor.post("/models/new", data=form | {"do": "validate"})
    assert answer.status_code == 200 and "Register it" in answer.text
    return form | {"api_key": "", "held_key": hidden(answer.text, "held_key"),
                   "trial": hidden(answer.text, "trial")}  # fmt: skip


def test_an_accepted_trial_registers_without_another_probe(
    app: Flask, editor: FlaskClient, good: Form, counted: Counted
) -> None:
    again = tried(editor, good | {"base_url": counted.url})
    before = counted.asked
    register(editor, again | {"region": "us", "display_name": "Renamed"})
    assert counted.asked == before
    model = models(app)[0]
    assert (model.region, model.display_name, model.health) == ("us", "Renamed", "up")
    with app.app_context():
        probe = db.session.scalars(db.select(Probe)).one()
        assert probe.report["model"] == model.id == probe.model_pk and probe.report["id"] == probe.id
        assert db.session.scalars(db.select(Trial)).all() == []


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": "practice-chat-no-tools"},
        {"api_key": "sk-changed", "held_key": ""},
        {"model_type": "completion"},
        {"supports_vision": "true"},
        {"strict": "yes"},
        {"depth": "full"},
        {"trial": "00000000-0000-7000-8000-000000000000"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_not_tried_is_probed(
    editor: FlaskClient, good: Form, counted: Counted, change: Form
) -> None:
    again = tried(editor, good | {"base_url": counted.url})
    before = counted.asked
    editor.post("/models/new", data=again | change)
    assert counted.asked > before


def test_a_trial_is_nobody_elses(
    editor: FlaskClient, admin: FlaskClient, good: Form, counted: Counted
) -> None:
    again = tried(editor, good | {"base_url": counted.url})
    before = counted.asked
    register(admin, again | {"api_key": KEY, "held_key": ""})
    assert counted.asked > before


def test_a_trial_is_fresh_for_minutes(app: Flask, editor: FlaskClient, good: Form, counted: Counted) -> None:
    again = tried(editor, good | {"base_url": counted.url})
    with app.app_context():
        db.session.execute(db.update(Trial).values(expires=now() - timedelta(seconds=1)))
        db.session.commit()
    before = counted.asked
    register(editor, again)
    assert counted.asked > before


def test_a_rejected_trial_is_kept_by_nobody(app: Flask, editor: FlaskClient, good: Form) -> None:
    page = rejected(editor, good | {"model_id": "practice-chatt", "do": "validate"}).text
    assert hidden(page, "trial") == "" and "Register it" not in page
    with app.app_context():
        assert db.session.scalars(db.select(Trial)).all() == []
