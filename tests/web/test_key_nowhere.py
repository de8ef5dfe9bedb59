"""An endpoint that works, and repeats its key in ten codings wherever it says something: nothing keeps it."""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from app.config import ROOT
from app.practice.models import KEY
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request, as_json
from app.store.base import db, now
from app.watch.notices import sending
from tests.conftest import new_token
from tests.watch.test_watching import QUICK
from tests.watch.world import Host, World

CODINGS = (
    KEY,
    "".join(f"%{ord(sign):02X}" for sign in KEY),
    quote(f"Bearer {KEY}"),
    "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "".join(f"&#{ord(sign)};" for sign in KEY),
    KEY.encode().hex(),
    KEY.encode().hex().upper(),
    base64.b64encode(KEY.encode()).decode(),
    base64.urlsafe_b64encode(f"user:{KEY}".encode()).decode(),
    base64.b32encode(KEY.encode()).decode().lower(),
)
TOLD = " ".join(CODINGS)
TYPES = ("chat", "embedding")
NO_ENDPOINT = {"app/watch/notices/sending.py"}
"""Webhooks: no key goes there, and of the answer only its status is kept."""
EXAMPLES = {"/openapi.json", "/docs", "/docs/schemas", "/help", "/help/<name>"}
"""The key of the practice endpoint is an example there."""


class Echo(Host):
    """Says the key in every member that is a text of its own, and ever more of it where it refuses."""

    def respond(self, request: Request) -> Reply:
        """The practice endpoint's answer, with the key in it."""
        reply = super().respond(request)
        said = reply.json
        if request.path.endswith("/models") and reply.status == 200:
            named = [
                {
                    "id": f"m-{at}-{coded}",
                    "supported_parameters": [coded],
                    "owned_by": coded,
                    "description": coded,
                }
                for at, coded in enumerate(CODINGS)
            ]
            return as_json(said | {"data": [*said["data"], *named]}, x_echo=KEY)
        if isinstance(said, dict):
            said |= {"system_fingerprint": f"fp {TOLD}", "note": TOLD}
            if isinstance(said.get("error"), dict):
                said["error"] |= {"message": f"{said['error']['message']} {TOLD}", "param": KEY}
            for choice in said.get("choices", ()):
                choice.setdefault("message", {})["reasoning_content"] = TOLD
            return replace(reply, body=json.dumps(said).encode(), headers={"x-echo": KEY})
        if isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=self._pieces(reply.body))

    def _pieces(self, body: Any) -> Iterator[bytes]:
        """The stream with the key in it, three signs at a time."""
        for at in range(0, len(TOLD), 3):
            delta = {"reasoning_content": TOLD[at : at + 3]}
            yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n".encode()
        yield from body


class Hook:
    """Takes webhooks."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.server = PracticeServer(self.respond)
        self.server.start()

    def respond(self, request: Request) -> Reply:
        """Note it."""
        self.got.append(request.body.decode())
        return Reply(204)


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application, with little patience."""
    return app_with(**QUICK)


def rows() -> str:
    """Every table as text."""
    told = []
    for table in inspect(db.engine).get_table_names():
        told += [repr(tuple(row)) for row in db.session.execute(text(f'SELECT * FROM "{table}"'))]
    return "\n".join(told)


def leaks(texts: dict[str, str]) -> list[tuple[str, str]]:
    """Where which coding of the key stands."""
    return [
        (place, said[max(0, at - 60) : at + 30])
        for place, said in texts.items()
        for coded in CODINGS
        if (at := said.find(coded[-14:] if "%" not in coded and "&" not in coded else coded)) >= 0
    ]


@pytest.mark.parametrize("kind", TYPES)
def test_a_key_that_is_repeated_everywhere_is_kept_nowhere(
    app: Flask, client: FlaskClient, admin: FlaskClient, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    auth = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    host, hook = Echo(models=1, kind=kind), Hook()
    url = f"http://127.0.0.1:{hook.server.server_port}/x"
    client.post("/v2/channels", json={"kind": "webhook", "url": url}, headers=auth)
    world, texts = World(app, host), dict[str, str]()
    with app.app_context():
        id, endpoint = db.session.execute(text("SELECT id, endpoint_id FROM models")).one()
    texts |= _used(client, admin, auth, id, endpoint)
    world.pass_time(minutes=6)
    host.answer(as_json({"error": {"message": f"Bad {TOLD}", "code": KEY, "param": TOLD}}, 404))
    world.pass_time(minutes=9)
    with app.app_context():
        for one in sending.claim_due(now()):
            sending.deliver(one, now())
    texts |= _used(client, admin, auth, id, endpoint)
    texts |= _looked_at(app, client, admin, auth, id, endpoint)
    with app.app_context():
        texts["database"] = rows()
    host.cut()
    hook.server.stop()
    texts |= {"messages": "\n".join(hook.got), "log": caplog.text}
    assert hook.got, "an incident was told"
    found = leaks(texts)
    assert found == [], len(found)


def _used(
    client: FlaskClient, admin: FlaskClient, auth: dict[str, str], id: str, endpoint: str
) -> dict[str, str]:
    """What the calls that contact the endpoint answer."""
    ndjson = {"Accept": "application/x-ndjson"}
    model = {"model_id": f"m-{KEY}", "model_type": "chat", "region": "eu"}
    wanted = {"endpoints": [{"name": "127.0.0.1", "base_url": "http://127.0.0.1:9/v1", "models": [model]}]}
    return {
        "probe": client.post(f"/v2/models/{id}/probes", headers=auth).text,
        "catalog": client.get(f"/v2/endpoints/{endpoint}/catalog", headers=auth).text,
        "more": client.post(
            f"/v2/endpoints/{endpoint}/models", json={"models": [model | {"model_id": "m-9"}]}, headers=auth
        ).text,
        "apply": client.post("/v2/apply?depth=proof", json=wanted, headers=auth).text.replace(f"m-{KEY}", ""),
        "try": _said(admin.post(f"/models/{id}/try", data={"prompt": "Hello"}, headers=ndjson).text),
        "try without scripts": admin.post(f"/models/{id}/try", data={"prompt": "Hello"}).text,
        "list": admin.post(f"/endpoints/{endpoint}/models", data={"do": "look"}).text,
        "bulk": admin.post("/models/bulk", data={"do": "probe", "id": id}, headers=ndjson).text,
        "again": admin.post(f"/models/{id}/probe", headers=ndjson).text,
    }


def _said(lines: str) -> str:
    """The pieces of a stream put together, as the page does."""
    found = [json.loads(line) for line in lines.splitlines()]
    return lines + "".join(one.get("text", "") for one in found)


def _looked_at(
    app: Flask, client: FlaskClient, admin: FlaskClient, auth: dict[str, str], id: str, endpoint: str
) -> dict[str, str]:
    """Every page and every call that only shows."""
    texts = {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static" or rule.rule in EXAMPLES:
            continue
        path = (
            rule.rule.replace("<path:ref>", id).replace("<name>", "proof").replace("<path:model_id>", "m-0")
        )
        path = path.replace("<id>", endpoint if "/endpoints/" in path else id)
        header = auth if path.startswith(("/v1", "/v2", "/v3", "/badge", "/metrics")) else {}
        answer = (client if header else admin).get(path, headers=header)
        texts[path] = f"{answer.headers}\n{answer.text}"
    with app.app_context():
        incident = db.session.execute(text("SELECT id FROM incidents")).scalar()
    texts["incident"] = admin.get(f"/incidents/{incident}").text
    texts["its JSON"] = client.get(f"/v2/incidents/{incident}", headers=auth).text
    for form in ("litellm", "muster", "csv", "terraform"):
        texts[form] = client.get(f"/v2/models/export?format={form}", headers=auth).text
    return texts


def test_every_answer_is_cleaned_where_it_comes_in() -> None:
    """Whoever calls an endpoint gives the answer through `cleaned` in the same function."""
    wrong, found = [], 0
    for path in sorted((ROOT / "app").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place.startswith(("app/probe/transport/", "app/practice/")) or place in NO_ENDPOINT:
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                called = ast.unparse(function)
                if "client.send(" in called or "client.converse(" in called:
                    found += 1
                    wrong += [] if "cleaned(" in called else [f"{place} {function.name}"]
    assert found >= 4 and wrong == []
