"""The error reference: every code that the program can send, readable by all."""

from __future__ import annotations

import ast
import html
import re
from dataclasses import fields
from functools import cache

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT, Settings, variable
from app.error_codes import BY_CODE, BY_STATUS, GROUPS
from app.probe.diagnosis.codes import CODES
from tests.web.pages.conftest import plain

PLACES = {"ApiError": 0, "Problem": 1, "FieldError": 1, "Diagnosis": 0, "Warning_": 0, "said": 0}
"""Which argument of these is the code; `said` makes a diagnosis from what is known of the calls."""


@cache
def trees() -> tuple[ast.Module, ...]:
    """The syntax tree of every module, but of the practice endpoint: that one plays a vendor."""
    paths = [path for path in (ROOT / "app").rglob("*.py") if path.parent != ROOT / "app/practice"]
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in sorted(paths))


def codes_of_calls() -> set[str]:
    """The codes that are written out where an error, a problem, a diagnosis or a warning is made."""
    found = set()
    for tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACES.get(called, len(node.args))
            if len(node.args) > place:
                code = node.args[place]
                found |= {code.value} if isinstance(code, ast.Constant) else set()
    return {str(code) for code in found}


def codes_of_warnings() -> set[str]:
    """The first of each pair of a word and a sentence that a warning is made of (`Proven(warning=…)`)."""
    pairs = (
        node
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple) and len(node.elts) == 2
    )
    words = (
        (first.value, second.value)
        for first, second in (pair.elts for pair in pairs)
        if isinstance(first, ast.Constant) and isinstance(second, ast.Constant)
    )
    return {
        first
        for first, second in words
        if isinstance(first, str)
        and isinstance(second, str)
        and re.fullmatch(r"[a-z]+(_[a-z]+)+", first)
        and re.search(r"^(The|A|An) .*(endpoint|filter|answer)", second)
    }


def test_every_code_that_is_written_out_is_explained() -> None:
    found = codes_of_calls()
    assert {"already_exists", "required", "wrong_path", "capability_contradicted"} <= found
    assert found - set(BY_CODE) == set()


def test_one_row_a_status_says_what_the_framework_means() -> None:
    said = [row.status or 0 for row in BY_CODE.values() if row.message]
    assert sorted(said) == sorted(BY_STATUS)
    assert {400, 401, 403, 404, 405, 413, 415, 429, 500, 503} == set(BY_STATUS)


def test_every_code_of_a_probe_is_explained() -> None:
    assert set(CODES) - set(BY_CODE) == set()
    assert {"key_not_enforced", "model_id_not_enforced", "prompt_filtered"} <= codes_of_warnings()
    assert codes_of_warnings() - set(BY_CODE) - {"content_filter"} == set()


def test_no_code_stands_there_twice() -> None:
    codes = [row.code for group in GROUPS for row in group.codes]
    assert len(codes) == len(set(codes)) == len(BY_CODE)


def test_every_setting_that_is_named_exists() -> None:
    text = " ".join(row.title + row.help for row in BY_CODE.values())
    named = set(re.findall(r"MUSTER_[A-Z_]*[A-Z]", text))
    assert len(named) > 5
    assert named - {variable(row) for row in fields(Settings)} - {"MUSTER_KEY"} == set()


def test_the_page_has_a_place_for_each(client: FlaskClient) -> None:
    page = client.get("/errors").text
    for code, row in BY_CODE.items():
        assert page.count(f'id="{code}"') == 1 and f'href="#{code}"' in page
        assert html.escape(row.help.partition("`")[0], quote=True).replace("&#x27;", "&#39;") in page


@pytest.mark.parametrize(
    ("path", "code"),
    [("/v2/models", "authentication_required"), ("/v2/nothing", "not_found"), ("/v2/models/", "not_found")],
)
def test_doc_url_leads_to_the_place(app: Flask, client: FlaskClient, path: str, code: str) -> None:
    answer = client.get(path).json
    assert answer is not None and answer["error"]["code"] == code
    url, _, anchor = answer["error"]["doc_url"].partition("#")
    assert url == "http://localhost/errors" and anchor == code
    assert f'id="{anchor}"' in client.get(url).text


def test_an_error_page_leads_there_too(viewer: FlaskClient) -> None:
    page = viewer.get("/tokens").text
    assert 'href="http://localhost/errors#forbidden"' in page


def test_nobody_has_to_sign_in_and_nothing_is_offered_that_needs_it(client: FlaskClient) -> None:
    page = client.get("/errors")
    assert page.status_code == 200
    assert "/tokens" not in page.text and 'href="/signin?next=/errors"' in page.text
    assert "Where the caller asked for strict" in plain(page.text)
