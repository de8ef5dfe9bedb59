"""PATCH /v2/models/openai-like/{id}, and probing now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.access.actors import COMMAND_LINE
from app.practice.models import KEY
from app.registry import probing, registration
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.rows import opened
from tests.web.api.conftest import Endpoint, document_problems

pytestmark = pytest.mark.both_databases

Headers = dict[str, str]
Body = dict[str, Any]
NEEDED = {"display_name": "Practice chat", "region": "on-prem", "model_type": "chat"}


@pytest.fixture
def made(client: FlaskClient, auth: Headers, good: Body, endpoint: Endpoint) -> Body:
    """A registered model's document; the endpoint has forgotten its calls."""
    answer = client.post("/v2/models/openai-like?depth=proof", json=good | {"input_cost": 1}, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    endpoint.calls.clear()
    return dict(answer.json)


@pytest.fixture
def second() -> Iterator[Endpoint]:
    """Another origin."""
    started = Endpoint()
    yield started
    started.stop()


def patch(client: FlaskClient, headers: Headers, made: Body, **changes: Any) -> Any:
    return client.patch(f"/v2/models/openai-like/{made['id']}", json=NEEDED | changes, headers=headers)


def stored_key(app: Flask, id: str) -> str:
    with app.app_context():
        model = RegisteredModel.by_id(id)
        assert model is not None
        return opened(model.endpoint)


def test_what_is_absent_stays(client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint) -> None:
    answer = patch(client, auth, made, display_name="New name", output_cost=2.5)
    assert answer.status_code == 200 and document_problems(answer.json) == []
    assert (answer.json["display_name"], answer.json["input_cost"], answer.json["output_cost"]) == (
        "New name",
        1,
        2.5,
    )
    assert answer.json["configuration"] == made["configuration"] and answer.json["created"] == made["created"]
    assert answer.json["updated"] > made["updated"]
    assert endpoint.calls == [], "nothing of the connection changed, so nothing is asked"


def test_null_takes_an_optional_field_away(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    assert patch(client, auth, made, description="Ours", supports_vision=False).json["description"] == "Ours"
    answer = patch(client, auth, made, description=None, input_cost=None, supports_vision=None)
    assert answer.status_code == 200 and answer.json["description"] is None
    assert answer.json["input_cost"] is None and answer.json["configuration"] == made["configuration"]
    assert endpoint.calls == []


def test_null_for_what_a_model_needs_stays(client: FlaskClient, auth: Headers, made: Body) -> None:
    answer = patch(client, auth, made, base_url=None, model_id=None, api_key=None)
    assert answer.status_code == 200 and answer.json["configuration"] == made["configuration"]


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_three_fields_are_required(client: FlaskClient, auth: Headers, made: Body, name: str) -> None:
    body = {other: value for other, value in NEEDED.items() if other != name}
    answer = client.patch(f"/v2/models/openai-like/{made['id']}", json=body, headers=auth)
    assert answer.status_code == 400 and answer.json is not None and answer.json["error"]["field"] == name


@pytest.mark.parametrize(
    ("change", "shown"),
    [({"model_id": "practice-reasoning"}, ("model_id", "practice-reasoning")),
     ({"model_id": "slug", "configuration": {"model_id": "practice-chat"}},
      ("refId", "muster@openailike/slug"))],
)  # fmt: skip
def test_another_model_id_is_probed(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint, change: Body, shown: tuple[str, str]
) -> None:
    answer = patch(client, auth, made, **change)
    assert answer.status_code == 200 and answer.json[shown[0]] == shown[1]
    assert endpoint.proofs() > 0
    reports = client.get(f"/v2/models/{made['id']}/probes", headers=auth).json
    assert reports is not None and len(reports) == 2 and reports[0]["model"] == made["id"]


def test_a_failed_probe_changes_nothing(client: FlaskClient, auth: Headers, made: Body) -> None:
    answer = patch(client, auth, made, display_name="New", model_id="practice-nothing", input_cost=9)
    assert answer.status_code == 400 and answer.json["error"]["code"] == "model_not_found"
    assert answer.json["probe"]["verdict"] == "rejected"
    assert client.get(f"/v2/models/{made['id']}", headers=auth).json == made


def test_a_new_key_is_probed_before_the_old_one_goes(
    client: FlaskClient, auth: Headers, made: Body, app: Flask
) -> None:
    answer = patch(client, auth, made, api_key="sk-wrong")
    assert answer.status_code == 400 and answer.json["error"]["code"] == "invalid_credentials"
    assert stored_key(app, made["id"]) == KEY
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert event is not None and event.action == "model.rejected" and event.model_pk == made["id"]


def test_the_same_key_again_needs_no_probe(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    assert patch(client, auth, made, api_key=f"Bearer {KEY}").status_code == 200
    assert endpoint.calls == []


def test_a_key_is_rotated(
    client: FlaskClient,
    made: Body,
    app: Flask,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUSTER_KEY_NEW", KEY)
    chief = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    answer = patch(client, chief, made, api_key="env://MUSTER_KEY_NEW")
    assert answer.status_code == 200 and answer.json["configuration"]["api_key_env"] == "MUSTER_KEY_NEW"
    assert endpoint.proofs() > 0
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert event is not None and event.detail["changes"]["api_key"] == ["(not shown)", "(changed)"]


def test_another_origin_needs_the_key_again(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint, second: Endpoint
) -> None:
    answer = patch(client, auth, made, base_url=second.base_url)
    assert answer.status_code == 400
    assert (answer.json["error"]["code"], answer.json["error"]["field"]) == ("api_key_required", "api_key")
    assert endpoint.calls == [] and second.calls == []
    answer = patch(client, auth, made, base_url=second.base_url, api_key=KEY)
    assert answer.status_code == 200 and answer.json["configuration"]["base_url"] == second.base_url
    assert second.proofs() > 0 and endpoint.calls == []


def test_another_port_scheme_or_host_is_another_origin(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    port = endpoint.base_url.split(":")[2]
    for other in (f"https://127.0.0.1:{port}", f"http://localhost:{port}", "http://127.0.0.1:1/v1"):
        answer = patch(client, auth, made, base_url=other)
        assert answer.json["error"]["code"] == "api_key_required", other
    assert endpoint.calls == []


def test_another_path_of_the_same_origin_takes_the_stored_key(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    answer = patch(client, auth, made, base_url=endpoint.base_url + "/")
    assert answer.status_code == 200 and endpoint.proofs() > 0


def test_an_administrator_may_send_the_stored_key_elsewhere(
    client: FlaskClient, made: Body, app: Flask, second: Endpoint
) -> None:
    chief = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    body = NEEDED | {"base_url": second.base_url}
    url = f"/v2/models/openai-like/{made['id']}?move_key=true"
    assert client.patch(url, json=body, headers=chief).status_code == 200 and second.proofs() > 0


def test_becoming_the_same_as_another_is_409(
    client: FlaskClient, auth: Headers, made: Body, good: Body, endpoint: Endpoint
) -> None:
    other = client.post(
        "/v2/models/openai-like?depth=proof", json=good | {"model_id": "practice-reasoning"}, headers=auth
    ).json
    assert other is not None
    endpoint.calls.clear()
    answer = patch(client, auth, made, model_id="practice-reasoning")
    assert answer.status_code == 409 and other["id"] in answer.json["error"]["message"]
    assert endpoint.calls == []


def test_if_match_stops_a_stale_change(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    etag = client.get(f"/v2/models/{made['id']}", headers=auth).headers["ETag"]
    first = patch(client, auth | {"If-Match": etag}, made, display_name="First")
    assert first.status_code == 200 and first.headers["ETag"] != etag
    second = patch(
        client, auth | {"If-Match": etag}, made, display_name="Second", model_id="practice-reasoning"
    )
    assert second.status_code == 412 and second.json["error"]["code"] == "precondition_failed"
    assert second.headers["ETag"] == first.headers["ETag"] and endpoint.calls == []
    assert patch(client, auth | {"If-Match": second.headers["ETag"]}, made).status_code == 200
    assert patch(client, auth | {"If-Match": "*"}, made).status_code == 200


def test_a_change_in_the_middle_of_a_probe_is_seen(
    app: Flask, client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    etag = client.get(f"/v2/models/{made['id']}", headers=auth).headers["ETag"]
    endpoint.before = threading.Event()
    answers: list[int] = []

    def change() -> None:
        mine = app.test_client()
        answers.append(
            patch(mine, auth | {"If-Match": etag}, made, model_id="practice-reasoning").status_code
        )

    thread = threading.Thread(target=change)
    thread.start()
    while not endpoint.calls:
        threading.Event().wait(0.01)
    assert patch(client, auth, made, display_name="Faster").status_code == 200
    endpoint.before.set()
    thread.join()
    assert answers == [412]
    now = client.get(f"/v2/models/{made['id']}", headers=auth).json
    assert now is not None and (now["display_name"], now["model_id"]) == ("Faster", "practice-chat")


def test_two_changes_at_once_leave_what_one_of_them_wrote(app: Flask, auth: Headers, made: Body) -> None:
    def change(number: int) -> None:
        for _ in range(5):
            patch(
                app.test_client(),
                auth,
                made,
                display_name=f"n{number}",
                input_cost=number,
                description=f"n{number}",
            )

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = app.test_client().get(f"/v2/models/{made['id']}", headers=auth).json
    assert now is not None and now["display_name"] == now["description"] == f"n{now['input_cost']}"


def test_a_model_that_vanishes_during_its_probe_is_404(
    app: Flask, client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    endpoint.before = threading.Event()
    answers: list[int] = []
    thread = threading.Thread(
        target=lambda: answers.append(
            patch(app.test_client(), auth, made, model_id="practice-reasoning").status_code
        )
    )
    thread.start()
    while not endpoint.calls:
        threading.Event().wait(0.01)
    assert client.delete(f"/v2/models/{made['id']}", headers=auth).status_code == 200
    endpoint.before.set()
    thread.join()
    assert answers == [404]


def test_by_ref_id(client: FlaskClient, auth: Headers, made: Body) -> None:
    url = f"/v2/models/openai-like/{made['refId']}"
    answer = client.patch(url, json=NEEDED | {"display_name": "By ref"}, headers=auth)
    assert answer.status_code == 200 and answer.json is not None and answer.json["display_name"] == "By ref"
    assert client.patch("/v2/models/openai-like/nothing", json=NEEDED, headers=auth).status_code == 404


def test_probing_now_keeps_the_report_and_tries_no_wrong_key(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    answer = client.post(f"/v2/models/{made['id']}/probes", headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert (answer.json["verdict"], answer.json["model"]) == ("accepted", made["id"])
    assert all(KEY in sent for _, _, sent in endpoint.calls if sent)
    reports = client.get(f"/v2/models/{made['id']}/probes", headers=auth).json
    assert reports is not None and [report["id"] for report in reports][0] == answer.json["id"]
    one = client.get(f"/v2/probes/{answer.json['id']}", headers=auth)
    assert one.status_code == 200 and one.json == answer.json
    document = client.get(f"/v2/models/{made['id']}", headers=auth).json
    assert document is not None and document["metadata"]["supports_streaming"] is True


def test_the_history_pages(client: FlaskClient, auth: Headers, made: Body) -> None:
    for _ in range(2):
        client.post(f"/v2/models/{made['id']}/probes?depth=proof", headers=auth)
    first = client.get(f"/v2/models/{made['id']}/probes?limit=2", headers=auth)
    second = client.get(first.headers["Link"].partition(">")[0].removeprefix("<"), headers=auth)
    assert first.json is not None and second.json is not None
    assert [len(first.json), len(second.json)] == [2, 1] and "Link" not in second.headers


def test_a_model_that_is_down_says_so_and_keeps_what_it_was_seen_to_do(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint, app: Flask
) -> None:
    endpoint.stop()
    answer = client.post(f"/v2/models/{made['id']}/probes", headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["diagnosis"]["code"] == "endpoint_unreachable"
    document = client.get(f"/v2/models/{made['id']}", headers=auth).json
    assert document is not None and document["metadata"] == made["metadata"]
    assert document["updated"] == made["updated"]
    down = client.get("/v2/models?status=down", headers=auth).json
    assert down is not None and [entry["id"] for entry in down] == [made["id"]]


@pytest.mark.parametrize("path", ["nothing", "%00", "x" * 500, "01900000-0000-7000-8000-000000000000"])
def test_no_such_probe(client: FlaskClient, auth: Headers, path: str) -> None:
    assert client.get(f"/v2/probes/{path}", headers=auth).status_code == 404


def test_closing_a_registration_in_the_middle_registers_nothing(
    app: Flask, good: Body, endpoint: Endpoint
) -> None:
    values = good | {"remote_model_id": None}
    with app.app_context():
        events = registration.register(values, COMMAND_LINE)
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0
        assert isinstance(registration.drain(registration.register(values, COMMAND_LINE)), probing.Registered)


def test_a_key_that_can_not_be_opened_is_said(
    client: FlaskClient, auth: Headers, made: Body, app: Flask
) -> None:
    with app.app_context():
        model = RegisteredModel.by_id(made["id"])
        assert model is not None
        model.endpoint.key_ciphertext = b"\x01nonsense"
        db.session.commit()
    answer = client.post(f"/v2/models/{made['id']}/probes", headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "api_key_unusable"
    assert patch(client, auth, made, api_key=KEY).status_code == 200
