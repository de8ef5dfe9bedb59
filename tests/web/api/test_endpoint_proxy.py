"""A proxy of an endpoint's own: only one that the settings name, and every call goes through it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.access.actors import SYSTEM
from app.practice.models import KEY
from app.probe.values import EndpointSettings
from app.registry import credentials, watching
from app.registry.exchange.muster_file import endpoint_entry
from app.store import rotation
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint as EndpointRow
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.probe.wire import Server, relay, serve
from tests.web.api.conftest import Endpoint

Headers = dict[str, str]
Body = dict[str, Any]
URL = "/v2/endpoints?depth=proof"
SIGNS_IN = "ops:pass%2Fword"
BASIC = base64.b64encode(b"ops:pass/word").decode()


@pytest.fixture
def proxy(endpoint: Endpoint) -> Iterator[Server]:
    """A proxy in front of the practice endpoint, which keeps what it was asked."""
    with serve(relay(int(endpoint.base_url.rpartition(":")[2].removesuffix("/v1")))) as server:
        yield server


@pytest.fixture
def app(app_with: Callable[..., Flask], proxy: Server) -> Iterator[Flask]:
    """An application that allows this proxy."""
    made = app_with(endpoint_proxies=(f"http://127.0.0.1:{proxy.port}",))
    with made.app_context():
        yield made


@pytest.fixture
def body(endpoint: Endpoint, proxy: Server) -> Body:
    """An endpoint with a model, behind the proxy, which asks for a password."""
    models = [{"model_id": "practice-chat", "model_type": "chat"}]
    made = {"base_url": endpoint.base_url, "api_key": KEY, "region": "eu", "name": "Behind", "models": models}
    return made | {"proxy": f"http://{SIGNS_IN}@127.0.0.1:{proxy.port}"}


@pytest.fixture
def id(client: FlaskClient, auth: Headers, body: Body, proxy: Server) -> str:
    """The id of that endpoint; the proxy has forgotten what it was asked."""
    answer = client.post(URL, json=body, headers=auth)
    assert answer.status_code == 200 and answer.json is not None, answer.json
    proxy.requests.clear()
    return str(answer.json["endpoint"]["id"])


def plain(proxy: Server) -> str:
    return f"http://127.0.0.1:{proxy.port}"


def test_every_call_goes_through_it_and_its_password_is_seen_nowhere(
    client: FlaskClient, app: Flask, auth: Headers, body: Body, proxy: Server, endpoint: Endpoint
) -> None:
    made = client.post(URL, json=body, headers=auth)
    assert made.json is not None and made.status_code == 200
    assert len(proxy.requests) >= len(endpoint.calls) > 0
    assert all(f"Proxy-Authorization: Basic {BASIC}".encode() in head for head in proxy.requests)
    shown = made.json["endpoint"]
    assert (shown["proxy"], shown["proxy_has_password"]) == (plain(proxy), True)
    row = db.session.get_one(EndpointRow, shown["id"])
    assert endpoint_entry(row, row.base_url)["proxy"] == plain(proxy)
    told = made.text + "".join(str(event.detail) for event in db.session.scalars(select(AuditEvent)))
    assert "pass%2Fword" not in told + str(vars(row)) and "pass/word" not in told


def test_a_probe_a_list_a_look_and_a_rotation_use_it(
    client: FlaskClient, auth: Headers, id: str, proxy: Server, endpoint: Endpoint
) -> None:
    (model,) = db.session.scalars(select(RegisteredModel))
    uses: dict[str, Callable[[], Any]] = {
        "probe": lambda: client.post(f"/v2/models/{model.id}/probes?depth=proof", headers=auth),
        "list": lambda: client.get(f"/v2/endpoints/{id}/catalog", headers=auth),
        "look": lambda: watching.prove(model),
        "look at its list": lambda: watching.read_catalog(model),
        "rotation": lambda: client.patch(
            f"/v2/endpoints/{id}", json={"headers": {"X-Team": "blue"}}, headers=auth
        ),
    }
    for use, call in uses.items():
        proxy.requests.clear()
        endpoint.calls.clear()
        call()
        assert len(proxy.requests) >= len(endpoint.calls) > 0, use
    used = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "key.used")).all()
    assert used and {(event.detail or {}).get("proxy") for event in used} == {plain(proxy)}


@pytest.mark.parametrize(("gone", "which"), [((), "stored"), (("key_ciphertext",), "proxy sign-in")])
def test_the_use_of_its_password_alone_is_on_record(
    app: Flask, id: str, gone: tuple[str, ...], which: str
) -> None:
    """Where an endpoint has no key, a password leaves the vault all the same."""
    row = db.session.get_one(EndpointRow, id)
    for column in gone:
        setattr(row, column, None)
    db.session.commit()
    credentials.target_for(SYSTEM, "probe", row.base_url, endpoint=row)
    (used,) = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "key.used"))
    assert (used.detail or {})["key"] == which and "pass" not in str(used.detail)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("http://other.example:3128", "must be one that MUSTER_ENDPOINT_PROXIES names: http://127.0.0.1"),
     ("https://127.0.0.1:1", "must be a URL such as"), ("http://127.0.0.1:1/path", "must be a URL such as"),
     ("http://ops:secret-word@127.0.0.1:1", "must be one that")],
)  # fmt: skip
def test_another_one_is_refused_before_anything_is_sent(
    client: FlaskClient, auth: Headers, body: Body, endpoint: Endpoint, wanted: str, words: str
) -> None:
    answer = client.post(URL, json=body | {"proxy": wanted}, headers=auth)
    assert answer.status_code == 400 and answer.json is not None and endpoint.calls == []
    assert answer.json["error"]["field"] == "proxy" and words in answer.json["error"]["message"]
    assert "secret-word" not in answer.text


def test_none_is_allowed_by_default(
    app_with: Callable[..., Flask], body: Body, endpoint: Endpoint, proxy: Server
) -> None:
    app = app_with()
    auth = {"Authorization": f"Bearer {new_token(app, 'write')}"}
    answer = app.test_client().post(URL, json=body, headers=auth)
    assert answer.status_code == 400 and "MUSTER_ENDPOINT_PROXIES" in answer.text
    assert endpoint.calls == [] and proxy.connections == 0


def test_a_proxy_that_is_allowed_no_longer_gets_no_key(
    app_with: Callable[..., Flask], id: str, proxy: Server, endpoint: Endpoint
) -> None:
    endpoint.calls.clear()
    before = proxy.connections
    app = app_with()
    auth = {"Authorization": f"Bearer {new_token(app, 'write')}"}
    answer = app.test_client().patch(f"/v2/endpoints/{id}", json={"headers": {"X": "y"}}, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "egress_denied"
    assert "is none that the settings allow" in answer.json["error"]["message"]
    assert endpoint.calls == [] and proxy.connections == before
    direct = app.test_client().patch(f"/v2/endpoints/{id}", json={"proxy": None}, headers=auth)
    assert direct.status_code == 200 and direct.json is not None
    assert (direct.json["proxy"], direct.json["proxy_has_password"]) == (None, False)
    assert len(endpoint.calls) > 0 and proxy.connections == before


def test_the_same_address_without_a_password_keeps_it(
    client: FlaskClient, app: Flask, auth: Headers, id: str, body: Body, proxy: Server
) -> None:
    changed = client.patch(f"/v2/endpoints/{id}", json={"proxy": plain(proxy), "api_key": KEY}, headers=auth)
    assert changed.json is not None and changed.json["proxy_has_password"] is True
    entry = {"name": "Behind", "base_url": body["base_url"], "proxy": plain(proxy), "models": body["models"]}
    applied = client.post("/v2/apply", json={"endpoints": [entry], "dry_run": True}, headers=auth)
    assert applied.json is not None and applied.json["entries"][0]["outcome"] == "same", applied.json
    other = client.post(
        "/v2/apply", json={"endpoints": [entry | {"proxy": None}], "dry_run": True}, headers=auth
    )
    assert other.json is not None
    assert other.json["entries"][0]["changes"] == {"proxy": [plain(proxy), None]}
    signs_in = entry | {"proxy": body["proxy"].replace("word@", "another@")}
    again = client.post("/v2/apply", json={"endpoints": [signs_in], "dry_run": True}, headers=auth)
    assert again.get_json()["entries"][0]["changes"] == {"proxy": ["(not shown)", "(changed)"]}


def test_another_spelling_of_the_address_is_the_same_endpoint(
    client: FlaskClient, auth: Headers, body: Body
) -> None:
    spelled = body | {"proxy": body["proxy"].replace("http:", "HTTP:") + "/"}
    id = client.post(URL, json=spelled, headers=auth).get_json()["endpoint"]["id"]
    more = {"models": [{"model_id": "practice-reasoning", "model_type": "chat"}], "region": "eu"}
    added = client.post(f"/v2/endpoints/{id}/models?depth=proof", json=more, headers=auth)
    assert added.get_json()["endpoint"]["id"] == id
    entry = {name: spelled[name] for name in ("name", "base_url", "api_key", "proxy", "models")}
    applied = client.post("/v2/apply", json={"endpoints": [entry], "dry_run": True}, headers=auth)
    assert applied.get_json()["entries"][0]["outcome"] == "same", applied.json


def test_a_new_encryption_key_takes_the_password_along(app: Flask, id: str) -> None:
    row = db.session.get_one(EndpointRow, id)
    before = row.proxy_ciphertext
    rotation.rotate()
    db.session.expire_all()
    assert row.proxy_ciphertext not in (None, before)
    rotation.rotate()  # the old key is gone from the ring
    same = credentials.holds(row, None, None, f"http://{SIGNS_IN}@{(row.proxy or '')[7:]}")
    assert same == (True, True, True)


def test_what_a_forged_row_names_gets_neither_key_nor_password(app: Flask, id: str) -> None:
    row = db.session.get_one(EndpointRow, id)
    row.proxy = "http://evil.example:3128"
    db.session.commit()
    assert not credentials.is_usable(row)
    assert credentials.holds(row, None, None, "http://evil.example:3128") == (True, True, False)


def test_registering_a_model_at_it_goes_through_it_too(
    client: FlaskClient, auth: Headers, id: str, body: Body, proxy: Server
) -> None:
    seed = {"base_url": body["base_url"], "api_key": KEY, "region": "eu", "model_type": "chat"}
    seed |= {"model_id": "practice-reasoning", "display_name": "Thinks"}
    answer = client.post("/v2/models/openai-like?depth=proof", json=seed, headers=auth)
    assert answer.status_code == 200 and answer.json is not None and proxy.requests
    assert answer.json["configuration"]["integration_id"] == id


def test_what_is_secret_of_it_is_hidden_from_the_repr() -> None:
    assert "pass" not in repr(EndpointSettings(proxy="http://ops:pass@proxy.example:1"))
