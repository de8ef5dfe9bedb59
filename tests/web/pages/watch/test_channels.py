"""Channels: made, tried, switched off, deleted; addresses and secrets do not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.labels import Labels, put_labels
from app.store.watch.channels import Channel, Delivery
from tests.rows import a_model, an_endpoint
from tests.web.pages.conftest import error_at, plain
from tests.web.pages.test_tokens import shown


class Hook:
    """A program that receives webhooks and answers with `status`."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[Request]()
        self.server = PracticeServer(self.respond)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=very-secret"

    def respond(self, request: Request) -> Reply:
        """Take one message."""
        self.got.append(request)
        return Reply(status=self.status)


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver of this test's own."""
    made = Hook()
    yield made
    made.server.stop()


def made(admin: FlaskClient, hook: Hook, **changes: object) -> str:
    """Add a webhook; gives its page."""
    answer = admin.post("/channels/new", data={"kind": "webhook", "url": hook.url, "name": "Ours"} | changes)
    assert answer.status_code == 303, plain(answer.text)
    return answer.headers["Location"]


def test_the_signing_secret_is_shown_once_and_the_address_never(
    app: Flask, admin: FlaskClient, hook: Hook
) -> None:
    page = made(admin, hook)
    first = admin.get(page).text
    assert shown(first).startswith("whsec_")
    for text in (first, admin.get(page).text, admin.get("/channels").text):
        assert "very-secret" not in text
    assert shown(admin.get(page).text) == ""


def test_a_test_message_arrives_and_is_in_the_log(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    page = made(admin, hook)
    assert "It arrived." in admin.post(f"{page}/test", follow_redirects=True).text
    assert len(hook.got) == 1
    hook.status = 500
    text = plain(admin.post(f"{page}/test", follow_redirects=True).text)
    assert "It did not arrive. It answered 500." in text
    log = plain(admin.get(page).text)
    assert log.count("A test") == 2 and "Sent" in log and "Failed" in log


def test_owners_and_tags_that_models_have_can_be_ticked(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    assert 'name="owners"' not in admin.get("/channels/new").text
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.flush()
        put_labels(model.id, Labels("blue team", None, ("eu", "prod")))
        db.session.commit()
    page = made(admin, hook, owners=["blue team"], tags=["prod"])
    with app.app_context():
        (channel,) = db.session.scalars(db.select(Channel))
        assert channel.filter == {"owners": ["blue team"], "tags": ["prod"]}
    assert "models of blue team; models with the tags prod" in plain(admin.get(page).text)
    wrong = {"kind": "webhook", "url": hook.url, "owners": ["nobody"]}
    assert admin.post("/channels/new", data=wrong).status_code == 400


def test_what_is_ticked_becomes_its_filter(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    page = made(admin, hook, news=["incident.opened", "model.changed"])
    with app.app_context():
        (channel,) = db.session.scalars(db.select(Channel))
        assert channel.filter == {"kinds": ["incident.opened", "model.changed"]}
    assert "An incident begins; A model changed" in plain(admin.get(page).text)


@pytest.mark.parametrize(
    ("kind", "url", "wrong"),
    [("webhook", "ftp://example.com/x", "needs an http"),
     ("apprise", "syslog://", "reaches into the machine"),
     ("webhook", "", "Give the address")],
)  # fmt: skip
def test_a_bad_address_is_refused_at_its_field(
    app: Flask, admin: FlaskClient, kind: str, url: str, wrong: str
) -> None:
    answer = admin.post("/channels/new", data={"kind": kind, "url": url})
    assert answer.status_code == 400 and wrong in error_at(answer.text, "url")
    with app.app_context():
        assert db.session.scalars(db.select(Channel)).all() == []


def test_it_is_switched_off_and_on(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    page = made(admin, hook)
    admin.post(f"{page}/switch", data={"enabled": "no"})
    assert "Disabled" in plain(admin.get("/channels").text)
    admin.post(f"{page}/switch", data={"enabled": "yes"})
    assert "Disabled" not in plain(admin.get("/channels").text)


def test_deleting_asks_first_and_takes_the_log(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    page = made(admin, hook)
    admin.post(f"{page}/test")
    assert "the log of its 1 message goes" in plain(admin.get(f"{page}/delete").text)
    assert admin.post(f"{page}/delete").status_code == 303
    with app.app_context():
        assert db.session.scalars(db.select(Delivery)).all() == []


@pytest.mark.parametrize("path", ["/channels", "/channels/new"])
def test_only_administrators_see_them(editor: FlaskClient, path: str) -> None:
    assert editor.get(path).status_code == 403
    assert not re.search(r'href="/channels"', editor.get("/models").text)


def test_what_a_channel_is_told_is_changed_and_its_address_stays(
    app: Flask, admin: FlaskClient, hook: Hook
) -> None:
    page = made(admin, hook, news=["incident.opened", "price.changed"])
    form = admin.get(f"{page}/edit").text
    assert form.count(" checked") == 2 and "very-secret" not in form
    answer = admin.post(f"{page}/edit", data={"name": "Night", "news": ["incident.opened"]})
    assert answer.headers["Location"] == page
    text = plain(admin.get(page).text)
    assert "Night" in text and "Is told An incident begins" in text and "another price" not in text
    assert "It arrived." in admin.post(f"{page}/test", follow_redirects=True).text


def test_an_unchanged_channel_is_not_written(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    page = made(admin, hook, news=["incident.opened"])
    same = {"name": "Ours", "news": ["incident.opened"]}
    assert "Nothing was changed" in admin.post(f"{page}/edit", data=same, follow_redirects=True).text
    with app.app_context():
        assert "channel.changed" not in db.session.scalars(db.select(AuditEvent.action)).all()


def test_an_endpoint_that_is_gone_stays_ticked(app: Flask, admin: FlaskClient, hook: Hook) -> None:
    """Without it the channel would be told of every endpoint."""
    with app.app_context():
        endpoint = an_endpoint()
        db.session.add(endpoint)
        db.session.commit()
        id = endpoint.id
    page = made(admin, hook, endpoints=[id])
    with app.app_context():
        db.session.delete(db.session.get_one(Endpoint, id))
        db.session.commit()
    assert f'value="{id}" checked' in admin.get(f"{page}/edit").text
    admin.post(f"{page}/edit", data={"name": "Night", "endpoints": [id]})
    with app.app_context():
        assert db.session.scalars(db.select(Channel)).one().filter == {"endpoints": [id]}


def test_a_wrong_address_is_told_at_its_field_and_nothing_changes(
    app: Flask, admin: FlaskClient, hook: Hook
) -> None:
    page = made(admin, hook)
    answer = admin.post(f"{page}/edit", data={"name": "Night", "url": "nothing of the kind"})
    assert answer.status_code == 400 and error_at(answer.text, "url")
    with app.app_context():
        assert db.session.scalars(db.select(Channel)).one().name == "Ours"
