"""Bodies of the greatest length that cost time: every route answers soon, and never with a 500."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from flask import Flask

from app.store.base import db
from tests.conftest import new_token
from tests.rows import a_model

ENOUGH_S = 1.5
"""Of processor time; the longest took four seconds before."""
FULL = 1_040_000
"""Characters: a body may have 1 MiB."""


def _many(pattern: str, wrap: str = "{%s}") -> str:
    """An object with as many members as fit, each name another."""
    one = ",".join(pattern % number for number in range(FULL // (len(pattern) + 5)))
    return wrap % one[:FULL].rpartition(",")[0]


_DEFINITION = '{"model_list":[{"model_name":"a","litellm_params":%s}]}'
BODIES: Mapping[str, str] = {
    "unknown fields": _many('"model_t%x":1'),
    "headers": _many('"X-%x":"y"', '{"base_url":"http://127.0.0.1:9/v1","headers":{%s}}'),
    "models": '{"base_url":"http://127.0.0.1:9/v1","models":[' + ",".join(["{}"] * 300_000) + "]}",
    "wide models": _many('"model_t%x":1', '{"base_url":"http://127.0.0.1:9/v1","models":[{%s}]}'),
    "lists in lists": "[" * FULL,
    "a long string": json.dumps({"base_url": "http://a" + "@:/?#%[" * 140_000, "model_id": "m"}),
    "a long name": json.dumps({"display_name": "a " * 500_000, "description": "`a" * 10}),
    "a filter": '{"kind":"webhook","url":"http://127.0.0.1:9/","filter":' + _many('"kinds%x":[]') + "}",
    "many kinds": '{"kind":"webhook","url":"http://127.0.0.1:9/","filter":{"kinds":['
    + ",".join(['"x"'] * 250_000)
    + "]}}",
    "definitions": '{"model_list":[' + ",".join(['{"model_name":"a","litellm_params":{}}'] * 20_000) + "]}",
    "a definition": _many('"k%x":1', _DEFINITION % '{"model":"openai/a"},%s'),
    "its members": _many('"api_k%x":1', _DEFINITION % '{"model":"openai/a",%s}'),
    "digits": '{"max_tokens":' + "9" * FULL + "}",
}


def _routes(app: Flask) -> list[tuple[str, str]]:
    """Method and rule of everything on the JSON side that takes a body."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v")]
    return sorted(
        (method, rule.rule) for rule in rules for method in {"POST", "PATCH", "PUT"} & (rule.methods or set())
    )


@pytest.mark.parametrize("body", BODIES)
def test_no_body_costs_long(app: Flask, body: str) -> None:
    header = {"Authorization": f"Bearer {new_token(app, 'admin')}", "Content-Type": "application/json"}
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.commit()
        ids = {"models": model.id, "endpoints": model.endpoint_id}
    import_module("jsonschema")  # what the first call that needs it takes for that is not the body's doing
    wrong: list[Any] = []
    for method, rule in _routes(app):
        id = ids.get(rule.split("/")[2], model_id := ids["models"])
        path = rule.replace("<id>", id).replace("<path:ref>", model_id)
        began = time.thread_time()
        answer = app.test_client().open(path, method=method, data=BODIES[body], headers=header)
        taken = time.thread_time() - began
        if taken > ENOUGH_S or answer.status_code >= 500 or len(answer.data) > 200_000:
            wrong.append((method, rule, answer.status_code, round(taken, 1), len(answer.data)))
    assert wrong == []
