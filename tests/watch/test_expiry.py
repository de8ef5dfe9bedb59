"""Certificates and keys that are about to end: when people are told, of what, and that it is once."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from flask import Flask
from sqlalchemy import select

from app.practice.models import KEY
from app.probe.values import Validity
from app.registry.endpoints.certificates import summary
from app.registry.endpoints.key_life import life_of
from app.store import rotation, vault
from app.store.accounts import Token
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.watch.channels import Channel, Delivery, Maintenance
from app.store.watch.events import FeedEvent
from app.store.watch.health import EndpointWatch
from app.watch import chores
from app.watch.notices.expiry import step_of
from app.watch.notices.wording import text_of, title_of
from tests.watch.test_watching import QUICK
from tests.watch.world import START, Host, World

DAY = timedelta(days=1)
YEAR, QUARTER, WEEK = (timedelta(days=days) for days in (365, 90, 6))


@pytest.mark.parametrize(
    ("length", "left", "step"),
    [
        (YEAR, 31 * DAY, None),
        (YEAR, 30 * DAY, 30),
        (YEAR, 15 * DAY, 30),
        (YEAR, 14 * DAY, 14),
        (YEAR, 6 * DAY, 7),
        (YEAR, DAY, 1),
        (YEAR, timedelta(seconds=1), 1),
        (YEAR, timedelta(), 0),
        (YEAR, -9 * DAY, 0),
        (None, 30 * DAY, 30),
        (QUARTER, 30 * DAY, None),  # it is renewed just then
        (QUARTER, 14 * DAY, 14),
        (WEEK, 2 * DAY, None),
        (WEEK, DAY, 1),
        (3 * DAY, -DAY, None),  # a program renews it
    ],
)
def test_how_near_an_end_is(length: timedelta | None, left: timedelta, step: int | None) -> None:
    ends = START + left
    assert step_of(Validity(ends - length if length else None, ends), START) == step


def jwt(**claims: object) -> str:
    """A key that tells its end."""
    body = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{body}.c2lnbmF0dXJl"


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "life"),
    [
        (jwt(exp=NOON.timestamp()), Validity(None, NOON)),
        (jwt(exp=NOON.timestamp(), iat=(NOON - DAY).timestamp()), Validity(NOON - DAY, NOON)),
        (jwt(exp=NOON.timestamp(), nbf=(NOON - DAY).timestamp()), Validity(NOON - DAY, NOON)),
        (jwt(exp=10**30), None),
        (jwt(exp=True), None),
        (jwt(exp="tomorrow"), None),
        (jwt(sub="me"), None),
        ("a.b.c", None),
        ("a.W10.c", None),
        ("a.é.c", None),
        ("sk-0123456789", None),
        ("", None),
    ],
)
def test_a_key_that_tells_its_end(key: str, life: Validity | None) -> None:
    assert life_of(key) == life


@pytest.fixture
def world(app_with: Callable[..., Flask]) -> Iterator[World]:
    """One model, and a channel that is told of everything."""
    host = Host()
    made = World(app_with(**QUICK, public_url="https://muster.example.com"), host)
    with made.app.app_context():
        channel = Channel(id="c", name="all", kind="webhook", host="127.0.0.1")
        channel.url_ciphertext = rotation.seal("http://127.0.0.1:1/", channel.place_of("url"))
        db.session.add(channel)
        db.session.commit()
    yield made
    host.cut()


def endpoint() -> Endpoint:
    """The only one."""
    return db.session.scalars(select(Endpoint)).one()


def told_in(world: World, days: int) -> list[tuple[str, int]]:
    """Let days pass, and give every message: its kind, and how many days were left."""
    with world.app.app_context():
        for _ in range(days):
            world.now += DAY
            for _ in range(2):
                chores.tend(world.now)
        world.planned, world.queue = world.now, []  # nobody looked in between
        rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
        return [(row.kind, row.body["data"]["days_left"]) for row in rows]


def test_a_client_certificate_is_told_of_once_at_each_step(world: World) -> None:
    with world.app.app_context():
        ends = (START + 40 * DAY + DAY / 2).isoformat().replace("+00:00", "Z")
        endpoint().client_certificate_shown = {"subject": "CN=muster", "sha256": "00", "not_after": ends}
        db.session.commit()
    told = told_in(world, 60)
    assert told == [("certificate.expiring", days) for days in (30, 14, 7, 1, 0)]
    with world.app.app_context():
        events = [one for one in FeedEvent.after(0, 50) if one.kind == "certificate.expiring"]
        assert [one.detail["days_left"] for one in events] == [30, 14, 7, 1, 0]
        assert {one.endpoint_id for one in events} == {endpoint().id}
        first, *_, last = (row.body for row in db.session.scalars(select(Delivery).order_by(Delivery.id)))
    assert title_of(first) == "A certificate is about to end: 127.0.0.1"
    assert title_of(last) == "A certificate has ended: 127.0.0.1"
    assert "2026-04-11" in text_of(first) and "https://muster.example.com/endpoints/" in text_of(first)


def test_one_that_is_found_late_is_told_of_once(world: World) -> None:
    with world.app.app_context():
        ends = (START + 4 * DAY).isoformat()
        endpoint().client_certificate_shown = {"subject": "CN=muster", "sha256": "00", "not_after": ends}
        db.session.commit()
    assert told_in(world, 2) == [("certificate.expiring", 3)]


def test_a_renewed_one_is_another(world: World) -> None:
    def ends(at: datetime) -> dict[str, str]:
        return {"subject": "CN=muster", "sha256": "00", "not_after": at.isoformat()}

    with world.app.app_context():
        endpoint().client_certificate_shown = ends(START + 5 * DAY)
        db.session.commit()
    assert told_in(world, 1) == [("certificate.expiring", 4)]
    with world.app.app_context():
        endpoint().client_certificate_shown = ends(START + 33 * DAY)
        db.session.commit()
    assert told_in(world, 4) == [("certificate.expiring", 4), ("certificate.expiring", 30)]


def test_an_authority_that_is_the_servers_own_certificate_is_one_thing(world: World) -> None:
    ca = trustme.CA()
    pem = ca.cert_pem.bytes().decode()
    ends = datetime.fromisoformat(summary(pem)["not_after"])
    with world.app.app_context():
        endpoint().ca_pem = pem
        db.session.commit()
        chores.tend(ends - 3 * DAY)
        chores.tend(ends - 3 * DAY)
        assert [row.body["data"]["what"] for row in db.session.scalars(select(Delivery))] == [
            "The authority that is trusted"
        ]


def test_a_key_whose_end_a_person_stated(world: World) -> None:
    with world.app.app_context():
        endpoint().key_ends = START + 10 * DAY + DAY / 2
        db.session.commit()
    assert told_in(world, 60) == [("key.expiring", days) for days in (10, 7, 1, 0)]
    with world.app.app_context():
        first = db.session.scalars(select(Delivery).order_by(Delivery.id)).first()
        assert first is not None and "The API key of 127.0.0.1 ends on 2026-03-12" in text_of(first.body)


def test_what_the_key_tells_counts_whatever_a_person_stated(world: World) -> None:
    with world.app.app_context():
        life = [None, (START + 40 * DAY).isoformat()]
        db.session.merge(EndpointWatch(endpoint_id=endpoint().id, host="127.0.0.1", endings={"key": life}))
        endpoint().key_ends = START + DAY
        db.session.commit()
    assert told_in(world, 5) == []


def test_a_key_that_a_look_saw(world: World) -> None:
    host = world.hosts[0]
    key = jwt(iat=(START - YEAR).timestamp(), exp=(START + 10 * DAY).timestamp())
    host.practice.key = key
    with world.app.app_context():
        endpoint().key_ciphertext = vault.seal(key, endpoint().place_of("key"))
        db.session.commit()
    world.pass_time(minutes=6)
    assert told_in(world, 1) == [("key.expiring", 9)]
    with world.app.app_context():
        assert key not in str([row.body for row in db.session.scalars(select(Delivery))])
        endpoint().key_ciphertext = vault.seal(KEY, endpoint().place_of("key"))
        db.session.commit()
    host.practice.key = KEY
    world.pass_time(minutes=6)
    assert told_in(world, 12) == [("key.expiring", 9)]  # the new one does not tell its end


@pytest.mark.parametrize(("revoked", "told"), [(None, [("key.expiring", 7)]), (START, [])])
def test_a_token_of_musters_own(world: World, revoked: datetime | None, told: list[tuple[str, int]]) -> None:
    with world.app.app_context():
        row: dict[str, Any] = {"name": "gateway", "shown": "mst_1", "digest": "d", "scopes": ["read"]}
        db.session.add(Token(**row, created=START - 80 * DAY, expires=START + 8 * DAY, revoked=revoked))
        db.session.commit()
    assert told_in(world, 2) == told
    with world.app.app_context():
        for kept in db.session.scalars(select(Delivery.body)):
            assert title_of(kept) == "A key is about to end: gateway"


def test_what_came_during_maintenance_is_told_afterwards(world: World) -> None:
    with world.app.app_context():
        ends = (START + 4 * DAY).isoformat()
        endpoint().client_certificate_shown = {"subject": "CN=muster", "sha256": "00", "not_after": ends}
        db.session.add(Maintenance(scope="all", begins=START, ends=START + 1.5 * DAY))
        db.session.commit()
    assert told_in(world, 1) == []
    assert told_in(world, 1) == [("certificate.expiring", 2)]
