"""A proxy of an endpoint's own on the pages: chosen for a new one, changed or taken away later."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db
from app.store.endpoints import Endpoint
from tests.probe.wire import Server, relay, serve
from tests.web.pages.conftest import KEY, Form, error_at, hidden, plain, problem


@pytest.fixture
def proxy(practice_url: str) -> Iterator[Server]:
    """A proxy in front of the practice endpoint."""
    with serve(relay(int(practice_url.rpartition(":")[2].removesuffix("/v1")))) as server:
        yield server


@pytest.fixture
def app(app_with: Callable[..., Flask], proxy: Server) -> Flask:
    """An application that allows this proxy."""
    return app_with(endpoint_proxies=(f"http://127.0.0.1:{proxy.port}",))


@pytest.fixture
def page(editor: FlaskClient, practice_url: str, proxy: Server) -> str:
    """The page of an endpoint with a model that was registered through the proxy."""
    chosen = {"base_url": practice_url, "proxy": f"http://127.0.0.1:{proxy.port}"}
    looked = editor.post("/endpoints/new", data=chosen | {"api_key": KEY, "do": "look"})
    assert looked.status_code == 200 and len(proxy.requests) > 0
    assert f"<option selected>{chosen['proxy']}</option>" in looked.text
    ticked = {"model": "practice-chat", "region": "eu", "depth": "proof", "do": "save"}
    sent = chosen | ticked | {"held_key": hidden(looked.text, "held_key")}
    saved = editor.post("/endpoints/new", data=sent)
    assert saved.status_code == 303, problem(saved.text)
    return saved.headers["Location"].partition("?")[0]


def form(app: Flask, **changes: str) -> Form:
    """What a browser sends from the page on which an endpoint is changed."""
    with app.app_context():
        row = db.session.scalars(db.select(Endpoint)).one()
        same = {name: getattr(row, name) or "" for name in ("name", "base_url", "auth_header", "auth_scheme")}
        return same | {"proxy": row.proxy or ""} | changes


def test_it_is_shown_and_kept_and_taken_away(
    app: Flask, editor: FlaskClient, page: str, proxy: Server
) -> None:
    address = f"http://127.0.0.1:{proxy.port}"
    assert address in editor.get(page).text and f'value="{address}"' in editor.get(f"{page}/edit").text
    same = editor.post(f"{page}/edit", data=form(app), follow_redirects=True)
    assert "Nothing was changed" in plain(same.text)
    signed_in = form(app, proxy=address.replace("//", "//ops:pass-word@"))
    assert editor.post(f"{page}/edit", data=signed_in).status_code == 303
    shown = editor.get(page).text + editor.get(f"{page}/edit").text
    assert "its password is stored encrypted" in shown and "pass-word" not in shown
    assert editor.post(f"{page}/edit", data=form(app, name="Ours")).status_code == 303
    assert "its password is stored encrypted" in editor.get(page).text
    before = proxy.connections
    assert editor.post(f"{page}/edit", data=form(app, proxy="")).status_code == 303
    assert address not in editor.get(page).text and proxy.connections == before


def test_another_one_is_refused_at_its_field_without_its_password(
    app: Flask, editor: FlaskClient, page: str
) -> None:
    answer = editor.post(f"{page}/edit", data=form(app, proxy="http://ops:pass-word@other.example:1"))
    assert answer.status_code == 400
    assert "must be one that MUSTER_ENDPOINT_PROXIES names" in error_at(answer.text, "proxy")
    assert "http://other.example:1" in answer.text and "pass-word" not in answer.text


def test_a_list_is_asked_for_through_no_other_one(
    editor: FlaskClient, practice_url: str, proxy: Server
) -> None:
    chosen = {"base_url": practice_url, "proxy": "http://other.example:1", "api_key": KEY, "do": "look"}
    answer = editor.post("/endpoints/new", data=chosen)
    assert answer.status_code == 400 and "must be one that" in error_at(answer.text, "proxy")
    assert proxy.connections == 0
