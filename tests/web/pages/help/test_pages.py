"""The help is open to all, and every page of it leads to the others."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.web.pages.help.routes import PAGES


@pytest.mark.parametrize("name", ["", *PAGES])
def test_a_page_is_there_for_a_stranger(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/help/{name}".rstrip("/"))
    assert answer.status_code == 200 and answer.text.count("<h1") == 1
    assert "<!--" not in re.sub(r"<!-- /?made.*?-->", "", answer.text)
    assert 'aria-current="page"' in answer.text


@pytest.mark.parametrize("name", ["nothing", "..%2fREADME", "../CONTRIBUTING", "README", "settings.md"])
def test_nothing_else_is(client: FlaskClient, name: str) -> None:
    assert client.get(f"/help/{name}").status_code == 404


def test_links_lead_to_pages(client: FlaskClient) -> None:
    for name in ("", *(f"/{name}" for name in PAGES)):
        page = client.get(f"/help{name}").text
        for link in re.findall(r'href="(/help[^"#]*)', page):
            assert client.get(link).status_code == 200, link
        assert not re.findall(r'href="[a-z-]+\.md', page)


def test_a_verdict_has_its_place(client: FlaskClient) -> None:
    assert '<h2 id="wrong_path">' in client.get("/help/verdicts").text


def test_every_page_leads_to_the_help(client: FlaskClient) -> None:
    assert 'href="/help"' in client.get("/signin").text
