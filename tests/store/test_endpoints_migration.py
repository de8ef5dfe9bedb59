"""The migration that makes endpoints: on a filled database of the version before, down and up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from app.probe.base_url import origin_of
from app.probe.values import EndpointSettings
from app.registry.endpoints import rows as endpoints
from app.store import vault
from app.store.base import db, new_id
from app.store.endpoints import Endpoint, EndpointHeader
from app.store.models import RegisteredModel
from app.store.rotation import digest
from tests.rows import an_endpoint, opened

A, B = "https://a.example.com/v1", "http://b.example.com:8000/v1?x=1"
INSERT = text(
    "INSERT INTO models (id, identity, model_id, display_name, model_type, base_url, region, key_env, "
    "key_ciphertext, observed, capabilities, health, enabled, created, updated, created_by) VALUES "
    "(:id, :id, :id, 'M', 'chat', :base_url, 'eu', :env, :sealed, '{}', '{}', 'up', :yes, :now, :now, '')"
)
PROBE = text(
    "INSERT INTO probes (id, model_pk, verdict, started, duration_ms, trigger, actor, report) "
    "VALUES (:id, :model, 'accepted', :now, 1, 'manual', '', '{}')"
)
MOMENT = "2026-01-01 00:00:00"


def old_row(base_url: str, key: str = "", env: str | None = None) -> dict[str, Any]:
    """A model as the version before kept it: its key sealed for its own id."""
    id = new_id()
    sealed = vault.seal(key, id) if key else None
    return {"id": id, "base_url": base_url, "env": env, "sealed": sealed, "yes": True, "now": MOMENT}


@pytest.fixture
def migrated(app: Flask) -> Callable[[list[dict[str, Any]]], None]:
    """Goes back to the version before, puts these rows there, and comes up again."""

    def migrate(rows: list[dict[str, Any]]) -> None:
        downgrade(revision="0005")
        with db.engine.begin() as connection:
            connection.execute(INSERT, rows)
            connection.execute(PROBE, [{"id": new_id(), "model": row["id"], "now": MOMENT} for row in rows])
        upgrade()

    return migrate


def home(row: dict[str, Any]) -> Endpoint:
    """The endpoint of a migrated model."""
    return db.session.get_one(RegisteredModel, row["id"]).endpoint


def test_the_same_url_and_key_become_one_endpoint(app: Flask, migrated: Any) -> None:
    with app.app_context():
        one, twin, other_key = old_row(A, "k1"), old_row(A, "k1"), old_row(A, "k2")
        other_url, keyless, named = old_row(B, "k1"), old_row(A), old_row(A, env="MUSTER_KEY_A")
        migrated([one, twin, other_key, other_url, keyless, named])
        assert home(one) is home(twin)
        rows = (one, other_key, other_url, keyless, named)
        assert len({home(row).id for row in rows}) == 5
        assert [opened(home(row)) for row in rows[:3]] == ["k1", "k2", "k1"]
        assert (home(keyless).has_key, home(named).key_env) == (False, "MUSTER_KEY_A")
        assert home(one).name == "a.example.com" and home(other_key).name == "a.example.com 2"
        assert home(other_url).name == "b.example.com:8000"


def test_a_migrated_endpoint_is_found_as_one_that_was_made(app: Flask, migrated: Any) -> None:
    with app.app_context():
        row = old_row(A, "k1")
        migrated([row])
        assert home(row).identity == endpoints.identity_of(A, "k1", EndpointSettings())
        assert endpoints.found(A, digest("k1")) is home(row)


def test_probes_stay_and_a_broken_key_stops_nobody(app: Flask, migrated: Any) -> None:
    with app.app_context():
        row, broken = old_row(A, "k1"), old_row(A, "k1") | {"sealed": b"\x01nonsense"}
        migrated([row, broken])
        assert db.session.scalar(text("SELECT count(*) FROM probes")) == 2
        assert opened(home(row)) == "k1" and home(broken) is not home(row)
        with pytest.raises(vault.VaultError):
            opened(home(broken))


def test_without_the_ring_nothing_is_changed(app: Flask, migrated: Any) -> None:
    with app.app_context():
        ring = vault.ring_path(app.config["MUSTER"])
        row, kept = old_row(A, "k1"), ring.read_text()
        ring.unlink()
        with pytest.raises(vault.VaultError):
            migrated([row])
        ring.write_text(kept)
        upgrade()
        assert opened(home(row)) == "k1"


def test_down_again_every_model_has_its_own_copy(app: Flask, migrated: Any) -> None:
    with app.app_context():
        rows = [old_row(A, "k1"), old_row(A, "k1"), old_row(B, env="MUSTER_KEY_A"), old_row(B)]
        migrated(rows)
        db.session.remove()
        downgrade(revision="0005")
        wanted = text("SELECT key_env, key_ciphertext FROM models ORDER BY id")
        found = db.session.execute(wanted).all()
        keys = [
            vault.open_(bytes(sealed), row["id"]) for row, (_, sealed) in zip(rows[:2], found, strict=False)
        ]
        assert keys == ["k1", "k1"]
        assert [tuple(each) for each in found[2:]] == [("MUSTER_KEY_A", None), (None, None)]
        assert db.session.scalar(text("SELECT count(*) FROM probes")) == 4
        db.session.rollback()
        upgrade()
        assert [opened(home(row)) for row in rows[:2]] == ["k1", "k1"]


def test_what_is_sent_in_another_way_is_bound_to_it(app: Flask) -> None:
    """Migration 0080, up, down and up again: what the version before sealed opens, and what is odd stays."""
    with app.app_context():
        usual, own, broken = an_endpoint(A), an_endpoint(A, auth_header="api-key"), an_endpoint(A, ca_pem="p")
        for endpoint in (usual, own, broken):
            endpoint.key_ciphertext = vault.seal("k1", before(endpoint, "key"))
        broken.key_ciphertext = b"\x01nonsense"
        own.headers = [EndpointHeader(name="X-A", ciphertext=vault.seal("v", before(own, "header X-A")))]
        own.client_certificate = vault.seal("pem", before(own, "client_certificate"))
        db.session.add_all([usual, own, broken])
        db.session.commit()
        ids = (usual.id, own.id)
        db.session.rollback()  # who reads a table holds up what changes it
        downgrade(revision="0050")
        upgrade()
        db.session.expire_all()
        assert [opened(db.session.get_one(Endpoint, id)) for id in ids] == ["k1", "k1"]
        assert vault.open_(own.headers[0].ciphertext, own.place_of("header X-A")) == "v"
        assert own.client_certificate is not None
        assert vault.open_(own.client_certificate, own.place_of("client_certificate")) == "pem"
        place = before(own, "key")
        db.session.rollback()
        downgrade(revision="0050")
        sealed = db.session.scalar(select(Endpoint.key_ciphertext).where(Endpoint.id == ids[1]))
        assert vault.open_(sealed or b"", place) == "k1"
        db.session.rollback()
        upgrade()


def before(endpoint: Endpoint, field: str) -> str:
    """Where the version before 0080 sealed a value."""
    return vault.place("endpoints", endpoint.id, field, origin_of(endpoint.base_url))


def test_a_thousand_models_take_under_ten_seconds(app: Flask, migrated: Any) -> None:
    with app.app_context():
        rows = [old_row(A if at % 2 else B, f"key-{at % 100}") for at in range(1000)]
        downgrade(revision="0005")
        with db.engine.begin() as connection:
            connection.execute(INSERT, rows)
        began = time.monotonic()
        upgrade()
        took = time.monotonic() - began
        assert took < 10, took
        found = db.session.scalars(select(RegisteredModel).order_by(RegisteredModel.id))
        keys = [opened(model.endpoint) for model in found]
        assert keys == [f"key-{at % 100}" for at in range(1000)]


def test_references_that_were_there_before_are_sealed_where_they_are(app: Flask) -> None:
    """Migration 0130: in the usual way and in one of its own, down and up again."""
    with app.app_context():
        proxy = "http://proxy.example:3128"
        ways: tuple[dict[str, Any], ...] = ({}, {"auth_header": "api-key", "ca_pem": "p", "proxy": proxy})
        rows = [an_endpoint(A, key_env="MUSTER_KEY_A", **way) for way in ways] + [an_endpoint(B)]
        rows[2].key_ciphertext = vault.seal("k1", rows[2].place_of("key"))
        db.session.add_all(rows)
        db.session.commit()
        ids = [row.id for row in rows]
        db.session.rollback()
        downgrade(revision="0120")
        upgrade()
        db.session.expire_all()
        opens = [opened(db.session.get_one(Endpoint, id)) for id in ids]
        assert opens == ["env://MUSTER_KEY_A", "env://MUSTER_KEY_A", "k1"]
        db.session.rollback()
        downgrade(revision="0120")
        left = select(Endpoint.key_env, Endpoint.key_ciphertext.is_(None)).order_by(Endpoint.id)
        assert db.session.execute(left).all() == [("MUSTER_KEY_A", True)] * 2 + [(None, False)]
        db.session.rollback()
        upgrade()
