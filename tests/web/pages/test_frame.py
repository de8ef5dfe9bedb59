"""The navigation leads where a person may go, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

EVERYBODY = ["/now", "/models", "/endpoints", "/incidents", "/catalogue"]
AREAS = {
    "viewer": [*EVERYBODY, "/audit", "/about"],
    "editor": [*EVERYBODY, "/audit", "/about"],
    "admin": [*EVERYBODY, "/channels", "/audit", "/tokens", "/users", "/about"],
}


def offered(page: str) -> list[str]:
    """Where the navigation leads."""
    return re.findall(r'<li><a href="([^"]*)"', page.partition("<main")[0])


@pytest.mark.parametrize("role", AREAS)
def test_by_role(app: Flask, request: pytest.FixtureRequest, role: str) -> None:
    browser: FlaskClient = request.getfixturevalue(role)
    for path in (found := offered(browser.get("/models").text)):
        page = browser.get(path)
        assert page.status_code == 200
        assert f'<a href="{path}" aria-current="page">' in page.text
    assert found == AREAS[role]
    assert 'href="/account"' in browser.get("/models").text


@pytest.mark.parametrize(("public", "found"), [(False, []), (True, ["/catalogue"])])
def test_for_somebody_who_is_not_signed_in(
    app_with: Callable[..., Flask], public: bool, found: list[str]
) -> None:
    page = app_with(public_catalogue=public).test_client().get("/errors").text
    assert offered(page) == found
    assert "Sign out" not in page and "Sign in" in page


def test_the_sign_in_page_does_not_lead_to_itself(client: FlaskClient) -> None:
    assert 'href="/signin' not in client.get("/signin").text
