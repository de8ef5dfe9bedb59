"""Every route says who may use it: the table below is all of them, and each is tried with the least and less.

A new route fails here until it has its line.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.pages.frame import OLDER
from tests.conftest import new_token

OPEN = {
    "/", "/.well-known/security.txt", "/docs", "/docs/<name>", "/docs/schemas", "/docs/schemas/<name>",
    "/errors", "/healthz", "/help", "/help/<name>", "/openapi.json", "/readyz", "/signin", "/signin/code",
    "/signin/provider", "/signin/provider/callback", "/signin/provider/leave", "/signin/provider/sign-out",
    "/signout",
}  # fmt: skip
"""What anybody may ask for: nothing of it tells of models, people or keys."""

READ = {
    "/badge/<id>.svg", "/metrics", "/v1/models", "/v1/models/<path:model_id>", "/v2/endpoints",
    "/v2/endpoints/<endpoint:id>", "/v2/events",
    "/v2/incidents", "/v2/incidents/<id>", "/v2/maintenance", "/v2/models", "/v2/models/<path:ref>",
    "/v2/models/<path:ref>/artefacts", "/v2/models/<path:ref>/health", "/v2/models/<path:ref>/health/history",
    "/v2/models/<path:ref>/identity", "/v2/models/<path:ref>/labels", "/v2/models/<path:ref>/probes",
    "/v2/models/<path:ref>/works-with", "/v2/models/export", "/v2/probes/<id>", "/v3/router/models",
}  # fmt: skip
"""What a token with the scope `read` may GET. Everything else under /v2/ takes `write`, or what is below."""

ABOVE: Mapping[str, str] = {"/v2/channels": "admin", "/v2/models/<path:ref>/credentials": "credentials"}
"""The beginning of a path, and the scope that it takes for every method."""

EDITORS = (
    "/endpoints/new", "/endpoints/<id>/delete", "/endpoints/<id>/edit", "/endpoints/<id>/models",
    "/endpoints/models/stop", "/endpoints/<id>/rotate", "/incidents/<id>/acknowledge", "/maintenance/new",
    "/maintenance/<id>/end", "/models/new", "/models/bulk", "/models/<id>/compare", "/models/<id>/deep",
    "/models/<id>/delete", "/models/<id>/edit",
    "/models/<id>/identity", "/models/<id>/labels", "/models/<id>/probe", "/models/<id>/repeat",
    "/models/<id>/switch", "/models/<id>/try",
)  # fmt: skip
SENDS_ON = ("GET", "/models/bulk")
"""For who reloads the page that a form led to: it shows nothing."""
SIGNED = "/signin/provider/sign-out"
"""Comes from the provider of single sign-on and not from a browser, with the provider's signature."""
ADMINISTRATORS = ("/users", "/tokens", "/channels")
"""Beginnings of the paths of pages. Every other page is for viewers."""

SCOPES = ("read", "write", "admin", "credentials")
ROLES = ("viewer", "editor", "admin")
IMPLIED = {"read": {"read", "write", "admin"}, "write": {"write", "admin"}}


def routes(app: Flask) -> list[tuple[str, str]]:
    """Method and rule of every route that is not open."""
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in OPEN and rule.endpoint != "static"
    )


def is_json(rule: str) -> bool:
    """Whether a route is for programs."""
    return rule.startswith(("/v1/", "/v2/", "/v3/", "/badge/", "/metrics"))


def scope_of(method: str, rule: str) -> str:
    """The least scope for a route."""
    above = [scope for start, scope in ABOVE.items() if rule.startswith(start)]
    return above[0] if above else "read" if method == "GET" and rule in READ else "write"


def role_of(method: str, rule: str) -> str:
    """The least role for a page."""
    if (method, rule) == SENDS_ON:
        return "viewer"
    if rule.startswith(ADMINISTRATORS):
        return "admin"
    return "editor" if rule.startswith(EDITORS) else "viewer"


def path_of(rule: str) -> str:
    """A path of a rule where nothing is."""
    for part in ("<id>", "<endpoint:id>", "<path:ref>", "<path:model_id>", "<session_id>", "<name>"):
        rule = rule.replace(part, "01900000-0000-7000-8000-00000000ffff")
    return rule


def test_no_route_of_the_tables_is_gone(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} >= OPEN | READ


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_does_what_its_scope_says(app: Flask, client: FlaskClient, scope: str) -> None:
    header = {"Authorization": f"Bearer {new_token(app, scope)}"}
    wrong = []
    for method, rule in routes(app):
        if is_json(rule):
            needed = scope_of(method, rule)
            status = client.open(path_of(rule), method=method, headers=header, json={}).status_code
            if (status != 403) != (scope in IMPLIED.get(needed, {needed})):
                wrong.append((method, rule, needed, status))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("role", ROLES)
def test_a_person_does_what_their_role_says(app: Flask, role: str, request: pytest.FixtureRequest) -> None:
    browser: FlaskClient = request.getfixturevalue(role)
    wrong = []
    for method, rule in routes(app):
        if not is_json(rule):
            needed = role_of(method, rule)
            status = browser.open(path_of(rule), method=method).status_code
            if (status != 403) != (ROLES.index(role) >= ROLES.index(needed)):
                wrong.append((method, rule, needed, status))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_stranger_gets_in_nowhere(app: Flask, client: FlaskClient) -> None:
    """Programs are told 401, people are sent to sign in; nobody learns whether there is such a thing."""
    wrong = []
    for method, rule in routes(app):
        answer = client.open(path_of(rule), method=method)
        sent_on = answer.status_code == 303 and answer.headers["Location"].startswith("/signin")
        if not (answer.status_code == 401 if is_json(rule) else sent_on):
            wrong.append((method, rule, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_no_page_takes_a_form_without_its_token(app: Flask, admin: FlaskClient) -> None:
    """Another site's form does nothing, on any route, even where an administrator is signed in."""
    app.config["WTF_CSRF_ENABLED"] = True
    wrong = []
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not is_json(rule.rule) and rule.rule != SIGNED:
            answer = admin.post(path_of(rule.rule), data={"do": "save"})
            with admin.session_transaction() as session:
                told = str(session.pop("_flashes", "")) + answer.text
            if answer.status_code not in (303, 400) or not (OLDER in told or "form_expired" in told):
                wrong.append((rule.rule, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
