"""A proxy that asks who comes: its user and password are typed once where many models are registered."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db
from app.store.leases import HeldKey
from tests.probe.wire import Server, relay, serve
from tests.web.pages.conftest import KEY, Form, error_at, hidden, plain, problem

SIGNS_IN = {"proxy_user": "ops", "proxy_password": "p@ss/word :%41"}
"""With characters that a URL gives a meaning to."""


@pytest.fixture
def strict_proxy(practice_url: str) -> Iterator[Server]:
    """A proxy that lets nobody through but this one."""
    carry = relay(int(practice_url.rpartition(":")[2].removesuffix("/v1")))
    known = b64encode(b"ops:p@ss/word :%41")

    def script(connection: socket.socket, request: bytes) -> bool:
        if b"Proxy-Authorization: Basic " + known + b"\r\n" in request:
            return carry(connection, request)
        connection.sendall(b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False

    with serve(script) as server:
        yield server


@pytest.fixture
def app(app_with: Callable[..., Flask], strict_proxy: Server) -> Flask:
    """An application that allows two addresses of that proxy."""
    addresses = (f"http://{host}:{strict_proxy.port}" for host in ("127.0.0.1", "localhost"))
    return app_with(endpoint_proxies=tuple(addresses))


@pytest.fixture
def form(practice_url: str, strict_proxy: Server) -> Form:
    """What a browser sends for the list of a new endpoint behind it."""
    proxy = f"http://127.0.0.1:{strict_proxy.port}"
    return {"base_url": practice_url, "proxy": proxy, "api_key": KEY, "do": "look"}


def test_who_signs_in_at_it_is_typed_once_and_never_shown(
    app: Flask, editor: FlaskClient, form: Form
) -> None:
    assert "does not know these" in plain(editor.post("/endpoints/new", data=form).text)
    looked = editor.post("/endpoints/new", data=form | SIGNS_IN)
    assert looked.status_code == 200 and "practice-chat" in looked.text
    again = {"held_key": hidden(looked.text, "held_key"), "held_proxy": hidden(looked.text, "held_proxy")}
    ticked = {"model": "practice-chat", "region": "eu", "depth": "proof", "do": "save", "api_key": ""}
    saved = editor.post("/endpoints/new", data=form | ticked | again)
    assert saved.status_code == 303, problem(saved.text)
    page = editor.get(saved.headers["Location"]).text
    assert "its password is stored encrypted" in page and form["proxy"] in page
    for shown in (looked.text, page):
        assert not any(text in shown for text in ("p@ss", "p%40ss", "ops:"))
    with app.app_context():
        assert [db.session.get(HeldKey, id) for id in again.values()] == [None, None]


def test_it_is_sent_to_no_other_proxy(editor: FlaskClient, form: Form, strict_proxy: Server) -> None:
    looked = editor.post("/endpoints/new", data=form | SIGNS_IN)
    before = strict_proxy.connections
    other = form | {"proxy": form["proxy"].replace("127.0.0.1", "localhost")}
    answer = editor.post("/endpoints/new", data=other | {"held_proxy": hidden(looked.text, "held_proxy")})
    assert answer.status_code == 400 and "Type them again for this proxy" in error_at(answer.text, "proxy")
    assert strict_proxy.connections == before


def test_a_password_without_its_user_is_sent_to_nobody(
    editor: FlaskClient, form: Form, strict_proxy: Server
) -> None:
    answer = editor.post("/endpoints/new", data=form | {"proxy_password": "alone"})
    assert answer.status_code == 400 and "Type the user" in error_at(answer.text, "proxy")
    assert "alone" not in answer.text and strict_proxy.connections == 0
