"""Every page, with path parts and query values that nobody sends by accident: never a 500."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from app.store.base import db
from tests.rows import a_model

HOSTILE = (
    "", " ", "\0", "a\0b", "%", "_", "'", '"', "\\", "..", "../../etc/passwd", "-1", "0", "1e309", "9" * 40,
    "2026-13-45", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00Z", "nan", "null", "[]", "{}", "\ud800",
    "\u202e", "🙂", "<script>", "javascript:alert(1)", "//evil.example", "x" * 5000, "01900000-0000-7000",
    "01900000-0000-7000-8000-000000000001", "W10", "eyJhIjoxfQ", "a=b&c=d", "true", "yes", "-", "\r\nX: y",
)  # fmt: skip
EACH = 20
"""Queries of one or two hostile values for each page."""
STREAMS = {"/v2/events"}
"""Waits for news by design."""


def query_names() -> list[str]:
    """Every name that a page's code takes from a query string, by the calls of `get` with a literal."""
    found: set[str] = set()
    for path in (ROOT / "app/web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "getlist")
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                found.add(node.args[0].value)
    return sorted(name for name in found if name.isidentifier() and name.islower())


@cache
def names() -> list[str]:
    """Those, and four that are taken through constants, where the walk does not see them."""
    return sorted({*query_names(), "q", "host", "turned", "type"})


def pages(app: Flask) -> Iterator[Any]:
    """Every route that answers GET, but the files."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static" and rule.rule not in STREAMS:
            yield rule


def path_of(rule: Any, part: str) -> str | None:
    """The path of a rule with one hostile part everywhere; None where no such path can be."""
    try:
        adapter_values = {name: part for name in rule.arguments}
        built = rule.build(adapter_values, append_unknown=False)
    except (ValueError, TypeError, UnicodeError):
        return None
    return built[1] if built else None


@pytest.fixture
def some_model(app: Flask) -> str:
    """The id of a model that is there."""
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.commit()
        return model.id


@pytest.mark.parametrize("who", ["client", "viewer", "editor", "admin"])
def test_no_page_breaks(app: Flask, some_model: str, who: str, request: pytest.FixtureRequest) -> None:
    browser: FlaskClient = request.getfixturevalue(who)
    chance = random.Random(who)
    broken: list[tuple[str, dict[str, str], int]] = []
    for rule in pages(app):
        for _ in range(EACH if rule.arguments else EACH // 2):
            path = path_of(rule, chance.choice([some_model, chance.choice(HOSTILE)]))
            query = {chance.choice(names()): chance.choice(HOSTILE) for _ in range(chance.randint(0, 2))}
            if path is None:
                continue
            try:
                answer = browser.get(path, query_string=query)
            except UnicodeEncodeError:
                continue  # the test's client can't send it
            if answer.status_code >= 500 and answer.status_code != 503:
                broken.append((path[:80], {k: v[:40] for k, v in query.items()}, answer.status_code))
            answer.close()
    assert broken == []


def test_enough_names_are_known() -> None:
    """The walk over the code finds what pages take."""
    assert {"q", "cursor", "sort", "next", "preset"} <= set(names())
