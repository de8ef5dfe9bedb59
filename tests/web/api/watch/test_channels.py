"""Channels, what is sent to them, and when nobody is told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from standardwebhooks import Webhook

from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.probe.transport.egress.rules import EgressRules
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery, Maintenance
from app.watch import chores
from app.watch.notices import apprise_process, sending
from app.watch.notices.apprise_process import Told
from app.watch.notices.wording import text_of
from tests.conftest import new_token
from tests.watch.test_watching import QUICK
from tests.watch.world import BROKEN, Host, World


class Hook:
    """A receiver of webhooks."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.status = 204
        self.server = PracticeServer(self.respond)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"

    def respond(self, request: Request) -> Reply:
        """Note the request."""
        self.got.append(request)
        return Reply(self.status)


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver of this test's own."""
    made = Hook()
    yield made
    made.server.stop()


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of three models."""
    made = Host(models=3)
    yield made
    made.cut()


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application, with little patience."""
    return app_with(**QUICK)


@pytest.fixture
def auth(app: Flask) -> dict[str, str]:
    """The header of an administrator's token."""
    return {"Authorization": f"Bearer {new_token(app, 'admin')}"}


@pytest.fixture
def channel(client: FlaskClient, auth: dict[str, str], hook: Hook) -> dict[str, Any]:
    """A channel to the receiver, as the call that made it answered."""
    answer = client.post("/v2/channels", json={"kind": "webhook", "url": hook.url}, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    return dict(answer.json)


def deliver_all(app: Flask) -> None:
    """Send what is due."""
    with app.app_context():
        for id in sending.claim_due(now()):
            sending.deliver(id, now())


def test_a_message_is_signed_as_the_standard_says(
    app: Flask, client: FlaskClient, auth: dict[str, str], hook: Hook, channel: dict[str, Any]
) -> None:
    answer = client.post(f"/v2/channels/{channel['id']}/test", headers=auth)
    assert answer.json == {"ok": True, "message": "It answered 204."}
    (got,) = hook.got
    body = Webhook(channel["secret"]).verify(got.body, dict(got.headers))
    assert body["type"] == "test"
    with app.app_context():
        tested = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "channel.tested")).one()
    assert tested.subject == channel["name"]


def test_neither_address_nor_secret_comes_back(
    app: Flask, client: FlaskClient, auth: dict[str, str], channel: dict[str, Any]
) -> None:
    shown = client.get("/v2/channels", headers=auth).text + client.get("/v2/events", headers=auth).text
    assert "secret" not in shown and channel["secret"] not in shown
    with app.app_context():
        kept = db.session.scalars(select(Channel)).one()
        assert b"secret-path" not in kept.url_ciphertext


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("webhook", "http://169.254.169.254/latest"),
        ("webhook", "ftp://example.com/x"),
        ("webhook", "no address"),
        ("apprise", "syslog://"),
        ("apprise", "dbus://"),
        ("apprise", "windows://"),
        ("apprise", "json://169.254.169.254/x"),
        ("apprise", "nothing://known"),
    ],
)
def test_addresses_that_may_not_be_used(
    client: FlaskClient, auth: dict[str, str], kind: str, url: str
) -> None:
    answer: Any = client.post("/v2/channels", json={"kind": kind, "url": url}, headers=auth)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, "url")


def test_through_apprise(client: FlaskClient, auth: dict[str, str], hook: Hook) -> None:
    url = hook.url.replace("http://", "json://")
    made: Any = client.post("/v2/channels", json={"kind": "apprise", "url": url}, headers=auth).json
    answer = client.post(f"/v2/channels/{made['id']}/test", headers=auth)
    assert answer.json == {"ok": True, "message": "It was taken."}
    assert json.loads(hook.got[0].body)["title"] == "A test from Muster"


def test_only_an_administrator_may(client: FlaskClient, app: Flask) -> None:
    writer = {"Authorization": f"Bearer {new_token(app, 'write')}"}
    assert client.get("/v2/channels", headers=writer).status_code == 403


@pytest.mark.usefixtures("channel")
def test_an_outage_of_many_models_is_one_message_and_its_end_another(
    app: Flask, client: FlaskClient, auth: dict[str, str], host: Host, hook: Hook
) -> None:
    world = World(app, host)
    with app.app_context():
        id = db.session.scalars(select(RegisteredModel.id).limit(1)).one()
    assert (
        client.put(f"/v2/models/{id}/labels", json={"owner": "Search team"}, headers=auth).status_code == 200
    )
    host.cut()
    world.pass_time(minutes=9)
    host.connect()
    world.pass_time(minutes=6)
    assert world.states() == {"up": 3}
    deliver_all(app)
    bodies = [json.loads(got.body) for got in hook.got]
    assert [body["type"] for body in bodies] == ["incident.opened", "incident.resolved"]
    assert len(bodies[0]["data"]["models"]) == 3
    assert "practice-key" not in str(bodies)
    opened, resolved = [text_of(body).splitlines() for body in bodies]
    assert opened[0] == "m-0 at 127.0.0.1, m-1 at 127.0.0.1, m-2 at 127.0.0.1"
    assert re.fullmatch(r"Since 2026-03-01 12:0\d UTC\.", opened[1]) and opened[2] == "Owner: Search team."
    assert "refuses connections" in opened[3] and len(opened[4]) > 20, "why, and what to do"
    assert re.fullmatch(r"From 2026-03-01 12:0\d UTC to 2026-03-01 12:[01]\d UTC\.", resolved[1])
    assert resolved[3].startswith("It was: ")


def test_a_filter_lets_only_its_kinds_through(
    app: Flask, client: FlaskClient, auth: dict[str, str], host: Host, hook: Hook, channel: dict[str, Any]
) -> None:
    change = {"filter": {"kinds": ["incident.resolved"]}}
    assert client.patch(f"/v2/channels/{channel['id']}", json=change, headers=auth).status_code == 200
    world = World(app, host)
    host.answer(BROKEN, "m-1")
    world.pass_time(minutes=8)
    deliver_all(app)
    assert world.incidents() == [("model_not_found", 1, True)]
    assert hook.got == []


@pytest.mark.usefixtures("channel")
def test_nobody_is_told_while_there_is_maintenance(app: Flask, host: Host, hook: Hook) -> None:
    world = World(app, host)
    with app.app_context():
        ends = world.now + timedelta(hours=1)
        db.session.add(Maintenance(scope="all", begins=world.now, ends=ends))
        db.session.commit()
    host.answer(BROKEN, "m-1")
    world.pass_time(minutes=8)
    deliver_all(app)
    assert (world.incidents(), hook.got) == ([("model_not_found", 1, True)], [])


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("well_after", "told"), [(90, ["incident.opened"]), (20, [])], ids=["open after it", "over within it"]
)
def test_what_begins_during_maintenance_is_told_when_that_is_over(
    app: Flask, host: Host, hook: Hook, well_after: int, told: list[str]
) -> None:
    world = World(app, host)
    with app.app_context():
        db.session.add(Maintenance(scope="all", begins=world.now, ends=world.now + timedelta(minutes=60)))
        db.session.commit()
    host.answer(BROKEN, "m-1")
    world.pass_time(minutes=well_after if well_after < 60 else 59)
    if well_after < 60:
        host.answer(None)
        world.pass_time(minutes=59 - well_after)
    for minutes in (0, 2, 3):
        world.now += timedelta(minutes=minutes)
        with app.app_context():
            chores.tend(world.now)
    deliver_all(app)
    assert [json.loads(got.body)["type"] for got in hook.got] == told


def test_a_message_that_is_not_taken_is_tried_again_later(
    app: Flask, client: FlaskClient, auth: dict[str, str], hook: Hook, channel: dict[str, Any]
) -> None:
    hook.status = 500
    with app.app_context():
        db.session.add(
            Delivery(
                id="one", channel_id=channel["id"], kind="test", body={"type": "test", "data": {}}, due=now()
            )
        )
        db.session.commit()
    deliver_all(app)
    with app.app_context():
        row = db.session.scalars(select(Delivery)).one()
        assert (row.state, row.attempts, row.message) == ("pending", 1, "It answered 500.")
        assert row.due > now() + timedelta(seconds=20)
        hook.status, row.due = 204, now()
        db.session.commit()
    deliver_all(app)
    with app.app_context():
        assert db.session.scalars(select(Delivery.state)).one() == "sent"


def test_an_incident_is_acknowledged(
    app: Flask, client: FlaskClient, auth: dict[str, str], host: Host
) -> None:
    world = World(app, host)
    host.answer(BROKEN, "m-1")
    world.pass_time(minutes=8)
    (incident,) = client.get("/v2/incidents?state=open", headers=auth).json or []
    url = f"/v2/incidents/{incident['id']}"
    answer: Any = client.post(f"{url}/acknowledge", json={"note": "On it."}, headers=auth)
    assert answer.json["acknowledged"]["note"] == "On it."
    kinds = [event["kind"] for event in (client.get(url, headers=auth).json or {})["events"]]
    assert kinds == ["opened", "joined", "acknowledged"]
    host.answer(None)
    world.pass_time(minutes=10)
    assert client.get("/v2/incidents?state=open", headers=auth).json == []
    assert client.post(f"{url}/acknowledge", json={}, headers=auth).status_code == 409


def test_maintenance_windows(client: FlaskClient, auth: dict[str, str]) -> None:
    ends = (now() + timedelta(hours=1)).isoformat()
    made: Any = client.post("/v2/maintenance", json={"scope": "all", "ends": ends}, headers=auth).json
    assert [one["id"] for one in client.get("/v2/maintenance", headers=auth).json or []] == [made["id"]]
    assert client.delete(f"/v2/maintenance/{made['id']}", headers=auth).status_code == 200
    assert client.get("/v2/maintenance", headers=auth).json == []


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "all"},
        {"scope": "all", "ends": "2020-01-01T00:00:00Z"},
        {"scope": "model", "ends": "2099-01-01T00:00:00Z"},
        {"scope": "all", "ends": "tomorrow"},
        {"scope": "all", "begins": "9999-12-31T00:00:00-12:00", "ends": "9999-12-31T23:00:00-12:00"},
        {"scope": "house", "ends": "2099-01-01T00:00:00Z"},
    ],
)
def test_windows_that_are_none(client: FlaskClient, auth: dict[str, str], body: dict[str, Any]) -> None:
    assert client.post("/v2/maintenance", json=body, headers=auth).status_code == 400


def told(url: str, rules: EgressRules, closed: Path, within_s: float = 30.0) -> Told:
    """How a message went that apprise was to send under these rules."""
    return apprise_process.ask(url, "A title", "A text", rules, closed=closed, within_s=within_s)


def test_apprise_reaches_only_what_may_be_contacted_when_it_connects(hook: Hook, tmp_path: Path) -> None:
    """Whatever a name led to when it was judged: its template comes from where the name leads now."""
    url = f"discord://{'1' * 18}/{'t' * 68}?template={quote(hook.url, safe='')}"
    ended = told(url, EgressRules(allow=("nothing.invalid", "discord.com")), tmp_path)
    assert not ended.ok and "is not on the allow list" in ended.bad and hook.got == []
    assert told(hook.url.replace("http:", "json:"), EgressRules(), tmp_path).ok and len(hook.got) == 1


@pytest.mark.parametrize("place", ["instance", "elsewhere"])
def test_apprise_reads_no_file_of_the_machine(hook: Hook, tmp_path: Path, place: str) -> None:
    """A template that is a file goes to the channel: the ring of the keys would, from the address alone."""
    file = tmp_path / place / "keyring.json"
    file.parent.mkdir()
    file.write_text('{"content": "SECRET"}', encoding="utf-8")
    url = f"discord://{'1' * 18}/{'t' * 68}?template={quote(str(file), safe='')}"
    ended = told(url, EgressRules(allow=("nothing.invalid",)), tmp_path / "instance")
    assert not ended.ok and "a file of the machine" in ended.bad


def test_a_channel_that_never_ends_its_answer_is_left(tmp_path: Path) -> None:
    def drip() -> Iterator[bytes]:
        while not left.wait(0.2):
            yield b"x"

    left = threading.Event()
    slow = PracticeServer(lambda _: Reply(200, drip()))
    slow.start()
    ended = told(f"json://127.0.0.1:{slow.server_port}/x", EgressRules(), tmp_path, within_s=6)
    left.set()
    slow.stop()
    assert not ended.ok and "within 6 seconds" in ended.name


def test_apprise_has_nothing_of_the_servers_environment(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_A", "sk-of-the-server")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert told(hook.url.replace("http:", "json:"), EgressRules(), tmp_path).ok, "no proxy of somebody's"
    assert "sk-of-the-server" not in str(apprise_process.environment(None))


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("<a href='http://x'>Sign in</a>", "&lt;a"),
        ("@everyone, @here: a<b, ops@here.example", "@ everyone, @ here: a&lt;b, ops@here.example"),
        ("<!channel> <@U1>", "&lt; !channel&gt; &lt; @U1&gt;"),
    ],
)
def test_the_words_of_an_endpoint_are_no_markup_and_call_nobody(
    hook: Hook, tmp_path: Path, words: str, sent: str
) -> None:
    url = hook.url.replace("http://", "json://") + "?format=html"
    ended = apprise_process.ask(url, "A title", words, EgressRules(), closed=tmp_path, within_s=30)
    assert ended.ok
    (taken,) = hook.got
    assert sent in json.loads(taken.body)["message"].replace("&nbsp;", " ")


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_no_redirect_is_followed(app: Flask, hook: Hook, kind: str) -> None:
    """It would lead to an address that nobody has judged, whatever the channel's own address asks for."""
    gate = PracticeServer(lambda _: Reply(307, headers={"Location": hook.url}))
    gate.start()
    scheme = "http" if kind == "webhook" else "json"
    url = f"{scheme}://127.0.0.1:{gate.server_port}/x?redirect=yes"
    body = {"type": "test", "timestamp": "2026-01-01T00:00:00Z", "data": {}}
    with app.app_context():
        ended = sending.send(kind, url, sending.new_secret(), "msg_1", body, now())
    gate.stop()
    assert not ended.ok and hook.got == []
