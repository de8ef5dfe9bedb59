"""Rotating the ring while others rotate, write and seal: no key is lost, no change is undone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import LargeBinary

from app.store import rotation, vault
from app.store.accounts import User
from app.store.base import Base, db, now
from app.store.endpoints import Endpoint, EndpointHeader
from app.store.leases import HeldKey
from app.store.watch.channels import Channel
from tests import quick_start
from tests.rows import an_endpoint, opened

ROTATE = """
import sys
from pathlib import Path
from app.factory import create_app
from app.store import rotation
app = create_app({"instance": Path(sys.argv[1]), "database_url": sys.argv[2]})
with app.app_context():
    for _ in range(4):
        rotation.rotate()
"""


def filled(count: int = 20) -> list[str]:
    """The ids of endpoints; the key of each is its id."""
    made = [an_endpoint() for _ in range(count)]
    for endpoint in made:
        endpoint.key_ciphertext = rotation.seal(endpoint.id, endpoint.place_of("key"))
    db.session.add_all(made)
    ids = [endpoint.id for endpoint in made]
    db.session.commit()
    return ids


def keys(ids: list[str]) -> list[str]:
    db.session.expire_all()
    return [opened(db.session.get_one(Endpoint, id)) for id in ids]


def test_several_processes_rotate_at_once(app: Flask, tmp_path: Path, database_url: str) -> None:
    with app.app_context():
        ids = filled()
        command = [sys.executable, "-c", ROTATE, str(tmp_path), database_url]
        with ExitStack() as ending:
            started = [ending.enter_context(quick_start.Python(command)) for _ in range(3)]
            assert [process.wait() for process in started] == [0, 0, 0]
        assert keys(ids) == ids and len(vault.ring().keys) == 2


def side_by_side(app: Flask, *work: Callable[[], None]) -> None:
    """Run each in a thread with a session of its own; what goes wrong in one fails the test."""
    failed: list[BaseException] = []

    def within(one: Callable[[], None]) -> None:
        try:
            with app.app_context():
                one()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            failed.append(error)

    threads = [threading.Thread(target=within, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == [] and not any(thread.is_alive() for thread in threads)


def test_a_key_that_is_changed_meanwhile_stays_changed(app: Flask) -> None:
    with app.app_context():
        ids = filled()

    def change() -> None:
        for id in ids:
            endpoint = Endpoint.locked(id)
            assert endpoint is not None
            endpoint.key_ciphertext = rotation.seal("new " + id, endpoint.place_of("key"))
            db.session.commit()

    def rotate() -> None:
        for _ in range(5):
            rotation.rotate()

    side_by_side(app, change, rotate, rotate)
    with app.app_context():
        assert keys(ids) == ["new " + id for id in ids]


def test_what_was_sealed_before_a_rotation_and_stored_after_it_opens(app: Flask) -> None:
    """Who has sealed and not committed yet holds the rotation up: its key would else leave the ring."""
    sealed, stored = threading.Event(), threading.Event()
    endpoint = an_endpoint()
    id = endpoint.id

    def seal_slowly() -> None:
        endpoint.key_ciphertext = rotation.seal("slow", endpoint.place_of("key"))
        sealed.set()
        assert not stored.wait(0.5), "a rotation ran while a sealed key was not stored yet"
        db.session.add(endpoint)
        db.session.commit()

    def rotate() -> None:
        sealed.wait(10)
        for _ in range(3):
            rotation.rotate()
        stored.set()

    side_by_side(app, seal_slowly, rotate)
    with app.app_context():
        assert keys([id]) == ["slow"]


def test_a_broken_value_holds_up_no_other(app: Flask) -> None:
    with app.app_context():
        ids = filled(2)
        db.session.get_one(Endpoint, ids[0]).key_ciphertext = b"\x01nonsense"
        db.session.commit()
        rotation.rotate()
        assert keys(ids[1:]) == ids[1:]
        with pytest.raises(vault.VaultError):
            keys(ids[:1])


def test_a_rotation_that_breaks_off_has_lost_nothing(app: Flask) -> None:
    with app.app_context():
        ids = filled(3)
        # As a process leaves it that dies after it has written the ring: the new key is there, no row has it.
        ring = vault.ring_path(app.config["MUSTER"])
        vault.write_ring(ring, [bytes(32), *vault.ring().keys])
        assert keys(ids) == ids
        rotation.rotate()
        assert keys(ids) == ids


OTHERWISE = {
    "users.totp_secret",  # sealed with a key that is made from MUSTER_SECRET_KEY
    "shown_once.ciphertext",  # with a key in the browser's cookie
    "idempotent_answers.body",
    "rendered_documents.body",
}
"""Bytes that the key ring has nothing to do with."""


def test_every_sealed_column_is_sealed_anew(app: Flask) -> None:
    """One that is forgotten would be lost with the key that it was sealed with."""
    with app.app_context():
        a_secret_of_each_kind()
        rotation.rotate()
        bytes_kept = {
            f"{table.name}.{column.name}"
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if isinstance(column.type, LargeBinary)
        }
        seen = {f"{each.table.__tablename__}.{each.column}" for each in rotation.sealed_values()}
        assert seen == bytes_kept - OTHERWISE
        newest = vault.Ring(vault.ring().keys[:1])
        texts = {newest.open(each.ciphertext, each.place) for each in rotation.sealed_values()}
        assert texts >= {"key", "certificate", "proxy", "header", "url", "secret", "held"}


def a_secret_of_each_kind() -> None:
    """Rows with every column that the ring seals. Commits."""
    home, channel = an_endpoint(), Channel(id="c1", name="c", kind="webhook", host="h")
    user = User(email="a@example.com", password_hash="", role="editor")
    db.session.add_all([home, user])
    db.session.flush()
    home.key_ciphertext = rotation.seal("key", home.place_of("key"))
    home.client_certificate = rotation.seal("certificate", home.place_of("client_certificate"))
    home.proxy_ciphertext = rotation.seal("proxy", home.place_of("proxy"))
    header = EndpointHeader(endpoint_id=home.id, name="X-Team")
    header.ciphertext = rotation.seal("header", home.place_of("header X-Team"))
    channel.url_ciphertext = rotation.seal("url", channel.place_of("url"))
    channel.secret_ciphertext = rotation.seal("secret", channel.place_of("secret"))
    held = HeldKey(id="h1", user_id=user.id, origin="https://h", expires=now())
    held.ciphertext = rotation.seal("held", held.place)
    db.session.add_all([header, channel, held])
    rotation.digest("makes the secret of digests")
    db.session.commit()
