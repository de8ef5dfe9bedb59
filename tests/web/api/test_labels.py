"""Labels of models, and the lists that are narrowed by them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.access.actors import COMMAND_LINE
from app.registry import changes
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.labels import Labels, ModelOwner, ModelTag, labels_from, labels_of
from app.watch.places import labels_of as labels_for_notices
from tests.web.api.test_models import add, ids

pytestmark = pytest.mark.both_databases
Headers = dict[str, str]
LABELS = {"owner": "Platform team", "contact": "ops@example.com", "tags": ["prod", "eu"]}


def put(client: FlaskClient, auth: Headers, id: str, labels: Any = None) -> Any:
    return client.put(f"/v2/models/{id}/labels", json=LABELS if labels is None else labels, headers=auth)


def test_they_are_given_back_sorted_and_stay(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    path = f"/v2/models/{id}/labels"
    assert client.get(path, headers=auth).json == {"owner": None, "contact": None, "tags": []}
    wanted = LABELS | {"tags": ["eu", "prod"]}
    assert put(client, auth, id).json == wanted
    assert client.get(path, headers=auth).json == wanted
    assert client.get("/v2/models/muster@openailike/m/labels", headers=auth).json == wanted
    assert put(client, auth, id, {"tags": ["eu"]}).json == {"owner": None, "contact": None, "tags": ["eu"]}


def test_their_order_is_not_the_database_s() -> None:
    """Most installations of PostgreSQL sort "a" before "B", and a file that is applied does not."""
    assert labels_from(None, ["a", "B", "_c"]).tags == ("B", "_c", "a")


def test_the_document_does_not_tell_them(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    before = client.get(f"/v2/models/{id}", headers=auth)
    put(client, auth, id)
    after = client.get(f"/v2/models/{id}", headers=auth)
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])


def test_they_are_on_record_once(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    for _ in range(2):
        assert put(client, auth, id).status_code == 200
    with app.app_context():
        (event,) = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "model.labelled"))
        assert event.detail["changes"]["owner"] == [None, "Platform team"]


def test_the_watcher_reads_them_and_they_go_with_their_model(
    client: FlaskClient, auth: Headers, app: Flask
) -> None:
    id = add(app)
    put(client, auth, id)
    with app.app_context():
        assert labels_for_notices([id]) == (frozenset(["Platform team"]), frozenset(["prod", "eu"]))
        changes.remove(id, COMMAND_LINE)
        assert labels_of(id) == Labels()
        assert not db.session.scalars(select(ModelTag)).all()
        assert not db.session.scalars(select(ModelOwner)).all()


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"owner": 3}, "owner"), ({"owner": "x" * 129}, "owner"), ({"owner": "a\nb"}, "owner"),
        ({"owner": "a\u202eb"}, "owner"), ({"tags": ["a\u200bb"]}, "tags"),
        ({"contact": "nobody"}, "contact"), ({"contact": "javascript:alert(1)"}, "contact"),
        ({"tags": "prod"}, "tags"), ({"tags": ["a b"]}, "tags"), ({"tags": ["a,b"]}, "tags"),
        ({"tags": [""]}, "tags"), ({"tags": [1]}, "tags"), ({"tags": ["x" * 65]}, "tags"),
        ({"tags": [str(number) for number in range(21)]}, "tags"), ({"ownr": "x"}, "ownr"), ([], None),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_by_name(
    client: FlaskClient, auth: Headers, app: Flask, labels: Any, field: str | None
) -> None:
    id = add(app)
    answer = put(client, auth, id, labels)
    assert answer.status_code == 400 and answer.json["error"].get("field") == field
    assert client.get(f"/v2/models/{id}/labels", headers=auth).json["tags"] == []  # type: ignore[index]


def test_lists_are_narrowed(client: FlaskClient, auth: Headers, app: Flask) -> None:
    seen = {"vision": {"observed": True}, "streaming": {"observed": False}}
    ours = add(app, description="The GROẞE model\nof the billing team", capabilities=seen)
    theirs = add(app, model_id="other")
    put(client, auth, ours)
    put(client, auth, theirs, {"owner": "Search", "tags": ["prod"]})
    endpoint = client.get(f"/v2/models/{ours}", headers=auth).json["configuration"]["integration_id"]  # type: ignore[index]
    for query, wanted in {
        "tag=eu": [ours], "tag=prod": [theirs, ours], "tag=pro": [], "owner=Search": [theirs],
        "owner=search": [], "tag=prod&owner=Search": [theirs], f"endpoint={endpoint}": [ours],
        "endpoint=none": [], "capability=vision": [ours], "capability=streaming": [], "q=billing": [ours],
        "q=grosse": [ours], "q=billing+M": [ours], "q=M+billing+nothing": [], "q=team+example.com": [ours],
    }.items():  # fmt: skip
        assert ids(client.get(f"/v2/models?{query}", headers=auth)) == wanted, query
    assert client.get("/v2/models?capability=flying", headers=auth).status_code == 400


def test_a_list_that_was_narrowed_is_made_again(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    put(client, auth, id)
    etag = client.get("/v2/models?tag=eu", headers=auth).headers["ETag"]
    put(client, auth, id, {})
    answer = client.get("/v2/models?tag=eu", headers=auth | {"If-None-Match": etag})
    assert (answer.status_code, answer.json) == (200, [])
