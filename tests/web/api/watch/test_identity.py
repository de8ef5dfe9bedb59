"""Identity over HTTP, on the model's page and in the console: told, confirmed, compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cli import main
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from tests.watch.test_watching import QUICK
from tests.watch.voices import Voice, learn, with_logprobs
from tests.watch.world import Host, World

Auth = dict[str, str]


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application, with little patience."""
    return app_with(**QUICK)


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two endpoints with a model each."""
    made = Host(), Host("127.0.0.2")
    yield made
    for one in made:
        one.cut()


def ids_of(app: Flask) -> list[str]:
    """The ids of all models."""
    with app.app_context():
        return list(db.session.scalars(select(RegisteredModel.id).order_by(RegisteredModel.id)))


def identity(client: FlaskClient, auth: Auth, id: str) -> dict[str, Any]:
    """What the API tells."""
    answer = client.get(f"/v2/models/{id}/identity", headers=auth)
    assert answer.status_code == 200
    return dict(answer.json or {})


def found_changed(app: Flask, id: str, since: str) -> None:
    """Have a whole probe find that vision is gone while answers differ."""
    detail: dict[str, Any] = {"name": "vision", "from": True, "to": False, "answers_differ_since": since}
    with app.app_context():
        FeedEvent.add("capability", model_pk=id, **detail)
        db.session.commit()


def test_a_difference_is_told_and_confirmed(
    app: Flask, client: FlaskClient, auth: Auth, editor: FlaskClient, hosts: tuple[Host, Host]
) -> None:
    voice, world = Voice(hosts[0]), with_logprobs(World(app, hosts[0]))
    (id,) = ids_of(app)
    assert identity(client, auth, id)["summary"] == "Muster is learning how it answers: 0 of 288 samples."
    learn(world, voice)
    world.pass_time(minutes=60)
    told = identity(client, auth, id)
    assert (told["state"], len(told["distributions"])) == ("same", 8)
    assert "It answers as it did when it was learned" in editor.get(f"/models/{id}/history").text
    voice.change()
    world.pass_time(hours=4)
    told = identity(client, auth, id)
    assert (told["state"], told["unit"]) == ("differs", "nats a token")
    assert told["distance"] > told["noise"] and told["p"] <= 0.005 and told["differs_since"]
    feed = client.get("/v2/events", headers=auth).json or []
    (event,) = [one for one in feed if one["kind"] == "model"]
    assert event["detail"]["from"] == "as before" and event["detail"]["p"] <= 0.005
    assert event["at"] == told["differs_since"]
    found_changed(app, id, told["differs_since"])
    page = editor.get(f"/models/{id}/history").text
    assert "Vision: yes before, no now" in page
    assert "Answers differ from before" in page and "This is right: learn it anew" in page
    confirmed = client.post(f"/v2/models/{id}/identity/confirm", headers=auth)
    assert (confirmed.json or {})["state"] == "learning"
    with app.app_context():
        events = db.session.scalars(select(AuditEvent.action)).all()
    assert "model.identity_confirmed" in events


def test_what_has_nothing_to_compare_says_so(app: Flask, client: FlaskClient, auth: Auth) -> None:
    host = Host(kind="rerank")
    World(app, host)
    told = identity(client, auth, ids_of(app)[0])
    host.cut()
    assert (told["state"], told["kind"]) == ("not watched", None)
    assert told["summary"].startswith("Answers of rerank models can't be compared")


@pytest.mark.parametrize(("change", "answer"), [(0.0, "same"), (0.3, "different")])
def test_two_endpoints_are_compared(
    app: Flask, client: FlaskClient, auth: Auth, hosts: tuple[Host, Host], change: float, answer: str
) -> None:
    voices = [Voice(host) for host in hosts]
    with_logprobs(World(app, *hosts))
    voices[1].change(change)
    first, second = ids_of(app)
    body = {"first": first, "second": second}
    price = client.post("/v2/compare", headers=auth, json=body | {"dry_run": True}).json or {}
    assert price["result"] is None and not voices[0].bodies
    found = client.post("/v2/compare", headers=auth, json=body).json or {}
    assert (found["result"]["answer"], found["result"]["samples"]) == (answer, 24)
    assert sum(len(voice.bodies) for voice in voices) == price["price"]["calls"] == 48


def test_models_of_different_types_are_not_compared(app: Flask, client: FlaskClient, auth: Auth) -> None:
    chat, embedding = Host(), Host("127.0.0.2", kind="embedding")
    World(app, chat, embedding)
    first, second = ids_of(app)
    refused = client.post("/v2/compare", headers=auth, json={"first": first, "second": second})
    for host in (chat, embedding):
        host.cut()
    assert (refused.status_code, (refused.json or {})["error"]["field"]) == (400, "second")


def test_an_endpoint_that_is_gone_tells_nothing(
    app: Flask, client: FlaskClient, auth: Auth, hosts: tuple[Host, Host]
) -> None:
    Voice(hosts[0])
    with_logprobs(World(app, *hosts))
    hosts[1].cut()
    first, second = ids_of(app)
    found = client.post("/v2/compare", headers=auth, json={"first": first, "second": second}).json or {}
    assert found["result"]["answer"] == "not told"


def test_the_page_tells_the_price_and_then_the_answer(
    app: Flask, editor: FlaskClient, hosts: tuple[Host, Host]
) -> None:
    voices = [Voice(host) for host in hosts]
    voices[1].change(0.3)
    with_logprobs(World(app, *hosts))
    first, second = ids_of(app)
    url = f"/models/{first}/compare"
    assert url in editor.get(f"/models/{first}").text
    assert f'<option value="{second}">' in editor.get(url).text
    priced = editor.get(f"{url}?with={second}").text
    assert "up to 48, with up to 528 tokens" in priced and not voices[0].bodies
    answer = editor.post(url, data={"with": second})
    assert answer.status_code == 200 and '<h2 id="result-head">Different</h2>' in answer.text
    assert f'<option value="{second}" selected>' in answer.text
    assert "24 of each" in answer.text and "with 95 % certainty at most" in answer.text
    with app.app_context():
        db.session.get_one(RegisteredModel, second).display_name = "The maker's own"
        db.session.commit()
    assert "up to 48, with up to 528 tokens" in editor.get(f"{url}?with=The maker's own").text


def test_a_browser_sees_how_far_each_of_the_two_is(
    app: Flask, editor: FlaskClient, hosts: tuple[Host, Host]
) -> None:
    Voice(hosts[0]), Voice(hosts[1])
    with_logprobs(World(app, *hosts))
    first, second = ids_of(app)
    asked = editor.post(
        f"/models/{first}/compare", data={"with": second}, headers={"Accept": "application/x-ndjson"}
    )
    *lines, last = [json.loads(line) for line in asked.text.splitlines()]
    told = [re.search(r"\d+ of 24 calls", line["html"]) for line in lines if line["name"] == second]
    assert [one and one[0] for one in told] == [f"{number} of 24 calls" for number in range(1, 25)]
    assert {line["status"] for line in lines if "24 of 24" in line["html"]} == {"passed"}
    assert '<h2 id="result-head">The same</h2>' in last["html"]


def test_the_page_names_what_can_not_be_compared(
    app: Flask, editor: FlaskClient, hosts: tuple[Host, Host]
) -> None:
    World(app, hosts[0])
    (id,) = ids_of(app)
    page = editor.get(f"/models/{id}/compare?with=nobody")
    assert page.status_code == 404 and "No model has the name, reference or id" in page.text
    assert 'aria-invalid="true"' in page.text


def test_words_are_compared_where_there_are_no_log_probabilities(
    app: Flask, client: FlaskClient, auth: Auth, hosts: tuple[Host, Host]
) -> None:
    """Words that always come are the same with certainty; one that changed is told."""
    voices = [Voice(host) for host in hosts]
    World(app, *hosts)
    first, second = ids_of(app)
    body = {"first": first, "second": second}
    found = client.post("/v2/compare", headers=auth, json=body).json or {}
    assert (found["price"]["kind"], found["result"]["samples"]) == ("words", 244)
    assert (found["result"]["answer"], found["result"]["at_most"]) == ("same", 0.0)
    voices[1].words = ["seven", "green", "cat", "Ada"]
    found = client.post("/v2/compare", headers=auth, json=body).json or {}
    assert (found["result"]["answer"], found["result"]["distance"]) == ("different", 0.25)


def test_the_command_tells_the_price_and_then_the_answer(
    app: Flask, database_url: str, hosts: tuple[Host, Host]
) -> None:
    voices = [Voice(host) for host in hosts]
    with_logprobs(World(app, *hosts))
    chosen = app.config["MUSTER"]
    environ = {
        "MUSTER_INSTANCE": str(chosen.instance),
        "MUSTER_DATABASE_URL": database_url,
    }
    arguments = ["compare", *ids_of(app)]
    priced = CliRunner().invoke(main, [*arguments, "--dry-run"], env=environ)
    assert priced.output == "This takes up to 48 calls and 528 tokens: its price is unknown.\n"
    assert not voices[0].bodies
    asked = CliRunner().invoke(main, arguments, input="y\n", env=environ)
    assert "same: Their answers can't be told apart" in asked.output, asked.output
    unknown = CliRunner().invoke(main, ["compare", "nobody", "nobody"], env=environ)
    assert unknown.exit_code == 1 and "There is no model with the id or refId" in unknown.output
