"""A NUL, which PostgreSQL takes nowhere: in addresses, queries and forms, on every route, never a 500."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db
from tests.conftest import new_token
from tests.rows import a_model
from tests.web.test_fuzz_pages import names
from tests.web.test_who_may import is_json

pytestmark = pytest.mark.both_databases


def path_of(rule: Any, part: str) -> str:
    """The path of a rule with this in the place of each argument."""
    path = str(rule.rule)
    for name in rule.arguments:
        path = path.replace(f"<{name}>", part).replace(f"<path:{name}>", part)
    return path


def test_no_address_with_one_breaks_anything(app: Flask, client: FlaskClient, admin: FlaskClient) -> None:
    header = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    wrong = []
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if rule.arguments else ():
            path = path_of(rule, "a%00b")
            if is_json(rule.rule):
                answer = client.open(path, method=method, headers=header, json={})
            else:
                answer = admin.open(path, method=method)
            if answer.status_code not in (403, 404):
                wrong.append((method, rule.rule, answer.status_code))
    assert wrong == []


def test_no_query_with_one_breaks_a_page(app: Flask, admin: FlaskClient) -> None:
    id = some_model(app)
    wrong = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not is_json(rule.rule) and rule.endpoint != "static":
            answer = admin.get(path_of(rule, id), query_string=dict.fromkeys(names(), "a\0b"))
            if answer.status_code >= 500:
                wrong.append((rule.rule, answer.status_code))
    assert wrong == []


def test_no_form_with_one_is_taken(app: Flask, admin: FlaskClient) -> None:
    id = some_model(app)
    wrong = []
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not is_json(rule.rule):
            status = admin.post(path_of(rule, id), data={"name": "a\0b", "id": "\0"}).status_code
            if status != 400:
                wrong.append((rule.rule, status))
    assert wrong == []


def some_model(app: Flask) -> str:
    """The id of a model that is there."""
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.commit()
        return model.id
