"""Reading, listing, deleting, enabling models."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.store.audit_events import AuditEvent
from app.store.base import db, new_id
from app.store.models import RenderedDocument
from app.store.probes import Probe
from tests.conftest import new_token
from tests.rows import a_model
from tests.web.api.conftest import document_problems

pytestmark = pytest.mark.both_databases

Headers = dict[str, str]


def add(app: Flask, **changes: Any) -> str:
    """A row as registration would have made it; gives its id."""
    good = {
        "model_id": "m", "display_name": "M", "model_type": "chat", "region": "europe", "health": "up",
        "base_url": f"https://{new_id()}.example.com/v1", "observed": {}, "capabilities": {},
    }  # fmt: skip
    with app.app_context():
        model = a_model(**good | changes)
        db.session.add(model)
        db.session.commit()
        return model.id


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [entry["id"] for entry in answer.json]


def test_by_id(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    answer = client.get(f"/v2/models/{id}", headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["id"] == id and document_problems(answer.json) == []


def test_a_document_of_another_version_is_made_anew_when_asked_for(
    client: FlaskClient, auth: Headers, app: Flask
) -> None:
    id = add(app)
    made = client.get(f"/v2/models/{id}", headers=auth)
    with app.app_context():
        db.session.execute(update(RenderedDocument).values(stamp="older", body=b"{}", etag='"older"'))
        db.session.commit()
    again = client.get(f"/v2/models/{id}", headers=auth)
    assert (again.json, again.headers["ETag"]) == (made.json, made.headers["ETag"])


def test_by_ref_id_as_it_stands_and_percent_encoded(client: FlaskClient, auth: Headers, app: Flask) -> None:
    for model_id in ("plain", "org/name", "a//b", "50%", "org/name:free", "m\u00fc x", "a?b", "x/probes"):
        id = add(app, model_id=model_id)
        add(app, model_id=model_id.upper() + "2")
        ref = client.get(f"/v2/models/{id}", headers=auth).json["refId"]  # type: ignore[index]
        assert ref == f"muster@openailike/{model_id}"
        for path in (quote(ref, safe=""), quote(ref, safe="/@")):
            answer = client.get(f"/v2/models/{path}", headers=auth)
            assert answer.status_code == 200 and answer.json is not None and answer.json["id"] == id, path


def test_a_ref_id_of_several_is_ambiguous(client: FlaskClient, auth: Headers, app: Flask) -> None:
    both = [add(app, model_id="twin"), add(app, model_id="twin")]
    for answer in (
        client.get("/v2/models/muster@openailike/twin", headers=auth),
        client.delete("/v2/models/muster@openailike/twin", headers=auth),
        client.post("/v2/workspace-models", json={"model_id": "muster@openailike/twin"}, headers=auth),
    ):
        assert answer.status_code == 409 and answer.json is not None
        error = answer.json["error"]
        assert error["code"] == "ambiguous_reference" and all(id in error["message"] for id in both)


ABSENT = [
    new_id(), "nothing", "muster@openailike/absent", "other@openailike/m", "m", "x" * 4000, "%00", "%ff",
    "muster@openailike/%00", "muster@openailike/",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_there_is_404(client: FlaskClient, auth: Headers, app: Flask, method: str) -> None:
    add(app, model_id="m")
    for ref in ABSENT:
        answer = client.open(f"/v2/models/{ref}", method=method, headers=auth)
        assert answer.status_code == 404 and answer.json is not None
        assert answer.json["error"]["code"] == "not_found"


def test_the_etag_answers_what_is_known_with_304(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    for path in (f"/v2/models/{id}", "/v2/models"):
        etag = client.get(path, headers=auth).headers["ETag"]
        again = client.get(path, headers=auth | {"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
        client.delete(f"/v2/workspace-models/{id}", headers=auth)
        changed = client.get(path, headers=auth | {"If-None-Match": etag})
        assert changed.status_code == 200 and changed.headers["ETag"] != etag
        client.post("/v2/workspace-models", json={"model_id": id}, headers=auth)


def test_an_etag_that_a_proxy_made_weak_is_known_too(client: FlaskClient, auth: Headers, app: Flask) -> None:
    for path in (f"/v2/models/{add(app)}", "/v2/models"):
        etag = client.get(path, headers=auth).headers["ETag"]
        for sent, status in ((f"W/{etag}", 304), (f'"other", {etag}', 304), ("*", 304), ('W/"x", "y"', 200)):
            answer = client.get(path, headers=auth | {"If-None-Match": sent})
            assert answer.status_code == status, (path, sent)


def test_the_list_is_newest_first_and_pages(client: FlaskClient, auth: Headers, app: Flask) -> None:
    made = [add(app, model_id=f"m{number}", region="eu" if number % 2 else "us") for number in range(7)][::-1]
    assert ids(client.get("/v2/models", headers=auth)) == made
    seen, url = [], "/v2/models?limit=3"
    for _ in range(3):
        answer = client.get(url, headers=auth)
        seen += ids(answer)
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == made and url == ""
    first = client.get("/v2/models?limit=2&region=eu", headers=auth)
    assert 'rel="next"' in first.headers["Link"] and "region=eu" in first.headers["Link"]
    second = client.get(first.headers["Link"].partition(">")[0].removeprefix("<"), headers=auth)
    assert len(ids(first)) == 2 and len(ids(second)) == 1 and "Link" not in second.headers


def test_without_a_limit_every_model_comes(client: FlaskClient, auth: Headers, app: Flask) -> None:
    secret = "https://h.example.com/v1?key=hidden-value"
    with app.app_context():
        rows = [
            a_model(model_id=f"m{n}", base_url=secret, display_name="M", health="up") for n in range(1201)
        ]
        db.session.add_all(rows)
        db.session.commit()
        made = sorted((row.id for row in rows), reverse=True)
    answer = client.get("/v2/models", headers=auth)
    assert ids(answer) == made and "Link" not in answer.headers
    assert ids(client.get(f"/v2/models?cursor={made[99]}", headers=auth)) == made[100:]
    known = client.get("/v2/models", headers=auth | {"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    reader = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    seen = client.get("/v2/models", headers=reader)
    assert ids(seen) == made and b"hidden-value" not in seen.data and b"hidden-value" in answer.data


def test_an_empty_list_is_an_array(client: FlaskClient, auth: Headers) -> None:
    assert client.get("/v2/models", headers=auth).json == []


def test_filters(client: FlaskClient, auth: Headers, app: Flask) -> None:
    chat = add(
        app, model_id="Llama-3", display_name="Fast one", region="us", base_url="https://gpu.example.com/v1"
    )
    embedding = add(app, model_id="bge", model_type="embedding", health="down", enabled=False)
    for query, wanted in {
        "q=llama": [chat], "q=FAST": [chat], "q=gpu.example": [chat], "q=%25": [], "q=_": [],
        "q=": [embedding, chat], "model_type=embedding": [embedding], "model_type=completion": [],
        "region=us": [chat], "region=mars": [], "status=down": [embedding], "enabled=true": [chat],
        "enabled=false": [embedding], "q=llama&enabled=false": [],
    }.items():  # fmt: skip
        assert ids(client.get(f"/v2/models?{query}", headers=auth)) == wanted, query


QUERIES = [
    ("limit=0", "limit"), ("limit=x", "limit"), ("limit=501", "limit"), ("limit=-1", "limit"),
    ("limit=1.5", "limit"), ("limit=", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor"),
    ("enabled=yes", "enabled"),
    ("status=fine", "status"), ("model_type=video", "model_type"), ("q=%00", "q"), ("q=" + "x" * 300, "q"),
    ("region=" + "x" * 65, "region"), ("limit=%D9%A3", "limit"),
]  # fmt: skip


def test_a_query_that_can_not_be_used_is_named(client: FlaskClient, auth: Headers) -> None:
    for query, field in QUERIES:
        answer = client.get(f"/v2/models?{query}", headers=auth)
        assert answer.status_code == 400 and answer.json is not None
        assert (answer.json["error"]["code"], answer.json["error"]["field"]) == ("invalid_request", field)


def test_a_query_parameter_that_does_not_exist_is_refused_by_name(client: FlaskClient, auth: Headers) -> None:
    for path in ("/v2/models", f"/v2/models/{new_id()}", "/v2/models/export"):
        answer = client.get(f"{path}?model_typ=chat", headers=auth)
        assert answer.status_code == 400 and answer.json is not None
        assert answer.json["error"]["field"] == "model_typ"
    for path in ("/v1/models", "/healthz", "/readyz"):  # other programs add their own
        assert client.get(f"{path}?model_typ=chat", headers=auth).status_code == 200
    hinted = client.get("/v2/models?model_typ=chat", headers=auth).json
    assert hinted is not None and hinted["error"]["suggestions"] == {"model_typ": ["model_type"]}
    assert client.get("/v2/models?model_typ=chat").status_code == 401


def test_allow_names_what_the_address_takes(client: FlaskClient, auth: Headers) -> None:
    for path, wanted in {
        "/v2/models": {"GET", "POST"},
        "/v2/models/x": {"GET", "PATCH", "DELETE"},
        "/v2/models/openai-like": {"POST"},
        "/v2/models/openai-like/x": {"PATCH"},
        "/v2/models/openai-like/validate": {"POST"},
        "/v2/models/x/probes": {"GET", "POST"},
        "/v2/models/x/credentials": {"GET"},
    }.items():
        for answer in (client.options(path), client.put(path, headers=auth)):
            assert set(answer.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"} == wanted, path


def test_deleting_takes_the_probes_along_and_stays_in_the_audit_log(
    client: FlaskClient, auth: Headers, app: Flask
) -> None:
    id = add(app)
    with app.app_context():
        db.session.add(Probe(model_pk=id, verdict="accepted", trigger="manual", report={}))
        db.session.commit()
    assert client.delete(f"/v2/models/{id}", headers=auth).status_code == 200
    assert client.delete(f"/v2/models/{id}", headers=auth).status_code == 404
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Probe)) == 0
        (event,) = db.session.scalars(select(AuditEvent).where(AuditEvent.model_pk == id))
        assert (event.action, event.subject) == ("model.deleted", "M")


def test_deleting_what_changed_meanwhile_is_412(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    etag = client.get(f"/v2/models/{id}", headers=auth).headers["ETag"]
    client.delete(f"/v2/workspace-models/{id}", headers=auth)
    answer = client.delete(f"/v2/models/{id}", headers=auth | {"If-Match": etag})
    assert answer.status_code == 412 and answer.json is not None
    assert answer.json["error"]["code"] == "precondition_failed"


def test_enabling_and_disabling_are_idempotent(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    ref = "muster@openailike/m"
    for name in (id, ref):
        for wanted, answers in (
            (False, [client.delete(f"/v2/workspace-models/{name}", headers=auth) for _ in range(2)]),
            (
                True,
                [
                    client.post("/v2/workspace-models", json={"model_id": name}, headers=auth)
                    for _ in range(2)
                ],
            ),
        ):
            assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * 2
            if wanted:
                assert client.get(f"/v2/models/{id}", headers=auth).json["enabled"] is True  # type: ignore[index]
    with app.app_context():
        actions = list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["model.disabled", "model.enabled"] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "model_id"), ({"model_id": 3}, "model_id"), ({"model_id": "x", "y": 1}, "y"), ([], None)],
)
def test_enabling_wants_one_member(client: FlaskClient, auth: Headers, body: Any, field: str | None) -> None:
    answer = client.post("/v2/workspace-models", json=body, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"].get("field") == field


def test_enabling_what_is_not_there_is_404(client: FlaskClient, auth: Headers) -> None:
    answer = client.post("/v2/workspace-models", json={"model_id": new_id()}, headers=auth)
    assert answer.status_code == 404


def test_reading_needs_no_more_than_read(client: FlaskClient, app: Flask) -> None:
    id = add(app)
    reader = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    keeper = {"Authorization": f"Bearer {new_token(app, 'credentials')}"}
    for path in ("/v2/models", f"/v2/models/{id}", f"/v2/models/{id}/probes"):
        assert client.get(path, headers=reader).status_code == 200
        assert client.get(path, headers=keeper).status_code == 403
    for answer in (
        client.delete(f"/v2/models/{id}", headers=reader),
        client.delete(f"/v2/workspace-models/{id}", headers=reader),
        client.post("/v2/workspace-models", json={"model_id": id}, headers=reader),
        client.post(f"/v2/models/{id}/probes", headers=reader),
        client.patch(f"/v2/models/openai-like/{id}", json={}, headers=reader),
    ):
        assert answer.status_code == 403


def test_an_openai_client_retrieves_one(client: FlaskClient, auth: Headers, app: Flask) -> None:
    add(app, model_id="org/name:free", base_url="https://first.example.com/v1")
    down = add(app, model_id="down", health="down")
    add(app, model_id="off", enabled=False)
    for path in ("org/name:free", "org%2Fname%3Afree"):
        answer = client.get(f"/v1/models/{path}", headers=auth)
        assert answer.status_code == 200 and answer.json is not None
        assert answer.json == client.get("/v1/models?healthy=true", headers=auth).json["data"][0]  # type: ignore[index]
        known = auth | {"If-None-Match": answer.headers["ETag"]}
        assert client.get(f"/v1/models/{path}", headers=known).status_code == 304
    assert client.get("/v1/models/down", headers=auth).status_code == 200
    for path in ("down?healthy=true", "off", "name:free", "absent", f"{down}"):
        answer = client.get(f"/v1/models/{path}", headers=auth)
        assert answer.status_code == 404 and answer.json is not None, path
        error = answer.json["error"]
        assert (error["type"], error["param"]) == ("not_found_error", "model")


def test_the_lists_of_openai_clients_leave_out_what_is_off_or_down(
    client: FlaskClient, auth: Headers, app: Flask
) -> None:
    for model_id, changes in (("up", {}), ("down", {"health": "down"}), ("off", {"enabled": False})):
        add(app, model_id=model_id, **changes)
    for path in ("/v1/models", "/v3/router/models"):
        for query, wanted in (
            ("", ["down", "up"]),
            ("?healthy=true", ["up"]),
            ("?healthy=false", ["down", "up"]),
        ):
            listed = client.get(path + query, headers=auth).json
            assert listed is not None and [entry["id"] for entry in listed["data"]] == wanted
        assert client.get(f"{path}?healthy=maybe", headers=auth).status_code == 400


@pytest.mark.parametrize(
    ("path", "signed_in", "family"),
    [
        ("/v2/models/absent", True, "not_found_error"),
        ("/v2/models", False, "authentication_error"),
        ("/v2/channels", True, "permission_error"),
        ("/v2/models?limit=0", True, "invalid_request_error"),
    ],
)
def test_an_error_names_its_family(
    client: FlaskClient, auth: Headers, path: str, signed_in: bool, family: str
) -> None:
    answer = client.get(path, headers=auth if signed_in else {})
    assert answer.json is not None and answer.json["error"]["type"] == family
