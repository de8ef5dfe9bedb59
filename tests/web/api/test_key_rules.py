"""Who may have which key sent where: one function decides, and writes down what it handed out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.access.actors import SYSTEM
from app.config import ROOT
from app.practice.models import KEY
from app.registry import credentials, registration
from app.registry.probing import ProbeOrder, returned
from app.registry.watching import TRIGGER
from app.store import rotation
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint as EndpointRow
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint

Headers = dict[str, str]
Body = dict[str, Any]
CREATE = "/v2/models/openai-like?depth=proof"
NAMED = {"api_key": "env://MUSTER_KEY_A"}


@pytest.fixture(autouse=True)
def variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's environment has the practice key."""
    monkeypatch.setenv("MUSTER_KEY_A", KEY)


@pytest.fixture
def chief(app: Flask) -> Headers:
    """The header of a token with the scope admin."""
    return {"Authorization": f"Bearer {new_token(app, 'admin')}"}


@pytest.fixture
def other() -> Iterator[Endpoint]:
    """Another origin."""
    started = Endpoint()
    yield started
    started.stop()


def events(app: Flask, action: str = "key.used") -> list[dict[str, Any]]:
    """What the audit log has of an action, the oldest first."""
    with app.app_context():
        wanted = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
        return [event.detail for event in db.session.scalars(wanted)]


@pytest.mark.parametrize("key", ["env://MUSTER_KEY_A", "env://MUSTER_KEY_ABSENT", "env://HOME"])
@pytest.mark.parametrize("path", [CREATE, "/v2/models/openai-like/validate"])
def test_a_writer_may_name_no_variable(
    client: FlaskClient, auth: Headers, good: Body, endpoint: Endpoint, path: str, key: str
) -> None:
    answer = client.post(path, json=good | {"api_key": key}, headers=auth)
    assert answer.status_code == 403 and answer.json is not None
    error = answer.json["error"]
    assert (error["code"], error["field"]) == ("insufficient_scope", "api_key")
    assert endpoint.calls == [], "nothing is contacted"


def test_a_writer_may_not_bring_one_in_by_import(
    client: FlaskClient, auth: Headers, endpoint: Endpoint
) -> None:
    params = {"model": "openai/practice-chat", "api_base": endpoint.base_url}
    entry = {"model_name": "m", "litellm_params": params | {"api_key": "os.environ/MUSTER_KEY_A"}}
    for query in ("", "?dry_run=true"):
        answer = client.post(f"/v2/models/litellm/import{query}", json=[entry], headers=auth)
        assert answer.status_code == 403 and endpoint.calls == []


def test_an_administrator_may_and_it_is_on_record(
    client: FlaskClient, app: Flask, chief: Headers, good: Body, endpoint: Endpoint
) -> None:
    assert client.post(CREATE, json=good | NAMED, headers=chief).status_code == 200
    (used,) = events(app)
    assert (used["use"], used["key"]) == ("register", "env://MUSTER_KEY_A")
    assert used["origin"] == endpoint.base_url.removesuffix("/v1")


def test_a_writer_may_probe_what_an_administrator_set_up_with_one(
    client: FlaskClient, app: Flask, chief: Headers, auth: Headers, good: Body
) -> None:
    made = client.post(CREATE, json=good | NAMED, headers=chief).json
    assert made is not None
    assert client.post(f"/v2/models/{made['id']}/probes", headers=auth).status_code == 200
    assert [(one["use"], one["key"]) for one in events(app)][1:] == [("probe", "env://MUSTER_KEY_A")]


@pytest.mark.both_databases
@pytest.mark.parametrize("forged", ["base_url", "key_env"])
def test_a_row_that_somebody_rewrote_gets_nothing_of_the_environment(
    client: FlaskClient, app: Flask, chief: Headers, good: Body, other: Endpoint, endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch, forged: str,
) -> None:  # fmt: skip
    """In the database, past every rule: another server, or another variable of the environment."""
    monkeypatch.setenv("MUSTER_KEY_B", "sk-of-another-endpoint")
    made = client.post(CREATE, json=good | NAMED, headers=chief).json
    assert made is not None
    endpoint.calls.clear()
    with app.app_context():
        (row,) = db.session.scalars(select(EndpointRow))
        setattr(row, forged, {"base_url": other.base_url, "key_env": "MUSTER_KEY_B"}[forged])
        db.session.execute(update(RegisteredModel).values(base_url=row.base_url))
        db.session.commit()
        assert not credentials.is_usable(row)
    answer = client.post(f"/v2/models/{made['id']}/probes", headers=chief)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "api_key_unusable"
    assert other.calls == [] and endpoint.calls == []


@pytest.mark.both_databases
def test_a_reference_that_was_only_written_into_a_row_is_none(
    client: FlaskClient, app: Flask, auth: Headers, good: Body, endpoint: Endpoint
) -> None:
    """In place of a key, or of none: only what an administrator entered here is sealed here."""
    made = client.post(CREATE, json=good, headers=auth).json
    assert made is not None
    endpoint.calls.clear()
    for sealed in ("as it is", None):
        with app.app_context():
            (row,) = db.session.scalars(select(EndpointRow))
            row.key_env = "MUSTER_KEY_A"
            row.key_ciphertext = row.key_ciphertext if sealed else None
            db.session.commit()
        answer = client.post(f"/v2/models/{made['id']}/probes", headers=auth)
        assert answer.status_code == 400 and endpoint.calls == [], sealed


@pytest.mark.both_databases
def test_a_reference_works_on_after_a_rotation(
    client: FlaskClient, app: Flask, chief: Headers, good: Body
) -> None:
    made = client.post(CREATE, json=good | NAMED, headers=chief).json
    assert made is not None
    with app.app_context():
        assert [rotation.rotate(), rotation.rotate()] == [0, 0], "no key of the environment is kept here"
    answer = client.post(f"/v2/models/{made['id']}/probes", headers=chief)
    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["verdict"] == "accepted"


def test_the_use_of_a_stored_key_names_the_key_and_not_its_value(
    client: FlaskClient, app: Flask, auth: Headers, good: Body
) -> None:
    made = client.post(CREATE, json=good, headers=auth).json
    assert made is not None and events(app) == []
    client.post(f"/v2/models/{made['id']}/probes", headers=auth)
    (used,) = events(app)
    assert (used["use"], used["key"]) == ("probe", "stored")
    assert used["endpoint"] == made["configuration"]["integration_id"]


def test_a_look_at_an_endpoint_is_on_record(
    client: FlaskClient, app: Flask, auth: Headers, good: Body
) -> None:
    """With a typed key, too: nothing else would tell that Muster called there."""
    asked = {"base_url": good["base_url"] + "?v=secret", "api_key": good["api_key"]}
    assert client.post("/v2/endpoints/catalog", json=asked, headers=auth).status_code == 200
    assert events(app, "endpoint.listed") == [{"origin": good["base_url"].removesuffix("/v1")}]


def test_the_watcher_leaves_one_event_a_day_and_not_one_a_check(
    client: FlaskClient, app: Flask, auth: Headers, good: Body
) -> None:
    made = client.post(CREATE, json=good, headers=auth).json
    assert made is not None
    with app.app_context():
        for _ in range(3):
            model = RegisteredModel.by_id(made["id"])
            assert model is not None
            returned(registration.watched(model.id, TRIGGER, ProbeOrder(SYSTEM, depth="proof")))
    assert [one["use"] for one in events(app)] == ["health_check"]


def moved(client: FlaskClient, headers: Headers, made: Body, base_url: str, query: str = "") -> Any:
    body = {name: made[name] for name in ("display_name", "model_type")} | {
        "region": "r",
        "base_url": base_url,
    }
    url = f"/v2/models/openai-like/{made['id']}?depth=proof{query}"
    return client.patch(url, json=body, headers=headers)


@pytest.mark.parametrize(
    ("scope", "query", "status", "code"),
    [("write", "", 400, "api_key_required"), ("write", "&move_key=true", 403, "insufficient_scope"),
     ("admin", "", 400, "api_key_required"), ("admin", "&move_key=false", 400, "api_key_required")],
)  # fmt: skip
def test_a_stored_key_goes_to_no_other_origin_by_itself(
    client: FlaskClient, app: Flask, auth: Headers, good: Body, other: Endpoint, scope: str, query: str,
    status: int, code: str,
) -> None:  # fmt: skip
    made = client.post(CREATE, json=good, headers=auth).json
    assert made is not None
    caller = {"Authorization": f"Bearer {new_token(app, scope)}"}
    answer = moved(client, caller, made, other.base_url, query)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code) and other.calls == []


def test_an_administrator_who_says_so_moves_it(
    client: FlaskClient, app: Flask, auth: Headers, chief: Headers, good: Body, other: Endpoint
) -> None:
    made = client.post(CREATE, json=good, headers=auth).json
    assert made is not None
    answer = moved(client, chief, made, other.base_url, "&move_key=true")
    assert answer.status_code == 200 and other.proofs() > 0
    assert events(app)[-1]["origin"] == other.base_url.removesuffix("/v1")
    assert client.post(f"/v2/models/{made['id']}/probes", headers=auth).json["verdict"] == "accepted"  # type: ignore[index]


def test_models_that_share_url_and_key_share_an_endpoint(
    client: FlaskClient, auth: Headers, good: Body
) -> None:
    first, second = (
        client.post(CREATE, json=good | {"model_id": id}, headers=auth).json or {}
        for id in ("practice-chat", "practice-reasoning")
    )
    assert first["configuration"]["integration_id"] == second["configuration"]["integration_id"]


OPENERS = {"open_", "open", "resolve", "ring", "Ring"}
MAY_OPEN = {
    "app/registry/credentials.py": {"open_", "resolve"},
    "app/store/endpoints.py": {"open_"},  # whether it opens
    "app/store/rotation.py": {"open_", "ring", "Ring"},  # seals anew
    "app/store/migrations/versions/0006_endpoints.py": {"ring", "Ring"},
    "app/store/migrations/versions/0080_way_of_keys.py": {"ring"},
    "app/store/migrations/versions/0130_sealed_references.py": {"ring"},
    "app/watch/notices/sending.py": {"open_"},  # addresses and secrets of channels, never of endpoints
    "app/web/api/health.py": {"open_"},  # a word of its own
    "app/cli/serving/serve.py": {"ring"},  # whether there is one
    "app/cli/backup.py": {"ring"},  # to be kept apart from the database
    "app/cli/check.py": {"ring"},  # whether it opens what is stored
}


def test_nothing_else_opens_the_vault() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        used = {name for name in _of_the_vault(path) if name in OPENERS}
        if used:
            found[str(path.relative_to(ROOT))] = used
    assert found == MAY_OPEN


def _of_the_vault(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "app.store.vault":
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "vault":
            yield node.attr
