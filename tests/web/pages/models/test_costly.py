"""Checks repeated many times, and deep probes: the price first, then the run."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db
from app.store.probes import Probe
from tests.web.pages.conftest import KEY, Form, plain, register

PRICES = {"input_cost": "2", "output_cost": "6"}


@pytest.fixture
def priced(editor: FlaskClient, good: Form) -> str:
    """The page of a chat model with prices."""
    return register(editor, good | PRICES)


def newest(app: Flask) -> dict[str, Any]:
    """The newest report."""
    with app.app_context():
        report: dict[str, Any] = (
            db.session.scalars(db.select(Probe).order_by(Probe.id.desc())).all()[0].report
        )
        return report


def test_the_price_of_each_check_is_told_first(editor: FlaskClient, priced: str) -> None:
    page = editor.get(f"{priced}/repeat").text
    row = re.search(r'value="tool_calling" checked>.*?</tr>', page, re.S)
    assert row and re.search(r"Tool calling [1-9],\d{3} \$0\.\d+", plain(f"<a {row[0]}"))
    assert 'value="json_mode">' in page, "only the first is chosen"


def test_a_model_without_prices_tells_tokens_alone(editor: FlaskClient, good: Form) -> None:
    text = plain(editor.get(register(editor, good) + "/repeat").text)
    assert "No prices are registered" in text and "$" not in text


def test_the_result_stands_on_the_page(app: Flask, editor: FlaskClient, priced: str) -> None:
    answer = editor.post(f"{priced}/repeat", data={"times": "4", "check": ["tool_calling", "json_mode"]})
    assert answer.status_code == 303
    text = plain(editor.get(answer.headers["Location"]).text)
    assert "Tried many times" in text
    assert (
        "Tool calling 4 of 4 1: 100 % (51 to 100) ; 2: 100 % (26 to 100) ; 4: 100 % (7 to 100) nothing"
        in text
    )
    assert "JSON mode 4 of 4" in text and KEY not in text


def test_kinds_of_error_are_told(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_id": "practice-unsteady"})
    editor.post(f"{url}/repeat", data={"times": "9", "check": ["tool_calling"]})
    text = plain(editor.get(url + "/checks").text)
    told = re.search(r"Tool calling (\d) of 9 .*? (\d) × arguments that are no JSON", text)
    assert told and int(told[1]) + int(told[2]) == 9


@pytest.mark.both_databases
def test_a_later_probe_leaves_the_result_there(editor: FlaskClient, priced: str) -> None:
    editor.post(f"{priced}/repeat", data={"times": "2", "check": ["tool_calling"]})
    editor.post(f"{priced}/probe")
    assert "Tool calling 2 of 2" in plain(editor.get(priced + "/checks").text)


def test_every_run_is_a_step_of_the_progress(editor: FlaskClient, priced: str) -> None:
    answer = editor.post(
        f"{priced}/repeat",
        data={"times": "3", "check": ["tool_calling"]},
        headers={"Accept": "application/x-ndjson"},
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    steps = [plain(line["html"]) for line in lines if line.get("name") == "tool_calling"]
    assert "3 times tool_calling: at most about" in steps[0]
    assert "1 of 1 passed, 3 in all" in steps[1] and "Passed 3 of 3 passed" in steps[-1]
    assert lines[-1]["location"].endswith("done=repeated")


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"times": "51", "check": ["tool_calling"]}, "from 2 to 50"),
        ({"times": "x", "check": ["tool_calling"]}, "from 2 to 50"),
        ({"times": "3"}, "at least one check"),
        ({"times": "3", "check": ["telepathy"]}, "at least one check"),
    ],
)
def test_what_can_not_be_repeated(
    app: Flask, editor: FlaskClient, priced: str, sent: dict[str, object], problem: str
) -> None:
    answer = editor.post(f"{priced}/repeat", data=sent)
    assert answer.status_code == 400 and problem in plain(answer.text)
    assert "reliability" not in newest(app)


def test_a_deep_probe_tells_its_price_first(app: Flask, editor: FlaskClient, priced: str) -> None:
    text = plain(editor.get(f"{priced}/deep").text)
    assert "32,768 tokens, as the endpoint states it" in text
    assert "about 27,852 tokens" in text and "about $0.055704, at $2.00 per 1,000,000 tokens in" in text
    assert editor.post(f"{priced}/deep").status_code == 400
    assert "context_window" not in newest(app)["capabilities"]


def test_a_confirmed_deep_probe_reads_the_long_text(app: Flask, editor: FlaskClient, priced: str) -> None:
    assert editor.post(f"{priced}/deep", data={"agreed": "yes"}).status_code == 303
    assert newest(app)["capabilities"]["context_window"]["observed"] is True


def test_types_without_such_checks_have_no_such_pages(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_type": "embedding", "model_id": "practice-embedding"})
    assert "Try 10 times" not in editor.get(url).text
    assert editor.get(f"{url}/repeat").status_code == editor.get(f"{url}/deep").status_code == 404


def test_viewers_may_spend_nothing(viewer: FlaskClient, priced: str) -> None:
    for path in ("repeat", "deep"):
        assert viewer.get(f"{priced}/{path}").status_code == 403
        assert viewer.post(f"{priced}/{path}", data={"agreed": "yes"}).status_code == 403
