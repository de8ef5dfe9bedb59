"""Keys at rest: only the right row opens them, rotation keeps them, and nothing else shows them."""

from __future__ import annotations

import base64
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.config import settings
from app.store import rotation, vault
from app.store.base import db, new_id
from app.store.endpoints import Endpoint
from app.store.rotation import digest
from app.store.vault import Ring, VaultError
from tests.rows import an_endpoint, opened

pytestmark = pytest.mark.both_databases

SECRET = "sk-live-0123456789abcdefghij"
HERE = new_id()


def stored(app: Flask, **changes: Any) -> str:
    """The id of an endpoint whose key is SECRET."""
    with app.app_context():
        endpoint = an_endpoint(**changes)
        endpoint.key_ciphertext = vault.seal(SECRET, endpoint.place_of("key"))
        db.session.add(endpoint)
        db.session.commit()
        return endpoint.id


def found(id: str) -> Endpoint:
    """The endpoint as the database has it."""
    return db.session.get_one(Endpoint, id, populate_existing=True)


def key_of(app: Flask, id: str) -> str:
    """The key of a stored endpoint."""
    with app.app_context():
        return opened(found(id))


def test_what_was_sealed_opens(app: Flask) -> None:
    assert key_of(app, stored(app)) == SECRET


def test_the_same_key_never_looks_the_same() -> None:
    ring = Ring([os.urandom(32)])
    assert ring.seal(SECRET, HERE) != ring.seal(SECRET, HERE)


def test_a_ciphertext_moved_to_another_row_does_not_open(app: Flask) -> None:
    first, second = stored(app), stored(app)
    with app.app_context():
        found(second).key_ciphertext = found(first).key_ciphertext
        db.session.commit()
    with pytest.raises(VaultError, match="does not belong to this row"):
        key_of(app, second)


@pytest.mark.parametrize(
    "elsewhere",
    ["http://llm.example.com/v1", "https://evil.example.com/v1", "https://llm.example.com:8443/v1"],
)
def test_a_base_url_rewritten_in_the_database_gets_no_key(app: Flask, elsewhere: str) -> None:
    id = stored(app)
    with app.app_context():
        found(id).base_url = elsewhere
        db.session.commit()
    with pytest.raises(VaultError, match="at this address"):
        key_of(app, id)


@pytest.mark.parametrize(
    ("column", "value"),
    [("auth_header", "X-Tell"), ("auth_scheme", ""), ("ca_pem", "-----BEGIN")],
)
@pytest.mark.parametrize("before", [{}, {"auth_header": "api-key", "auth_scheme": "", "ca_pem": "own"}])
def test_another_way_written_into_the_database_gets_no_key(
    app: Flask, before: dict[str, str], column: str, value: str
) -> None:
    id = stored(app, **before)
    assert key_of(app, id) == SECRET
    with app.app_context():
        now = found(id)
        setattr(now, column, value if getattr(now, column) != value else "Basic")
        db.session.commit()
    with pytest.raises(VaultError, match="at this address"):
        key_of(app, id)


def test_another_path_of_the_same_origin_keeps_its_key(app: Flask) -> None:
    id = stored(app)
    with app.app_context():
        found(id).base_url = "https://LLM.example.com:443/v2?x=1"
        db.session.commit()
    assert key_of(app, id) == SECRET


@pytest.mark.parametrize("place", [0, 3, 8, 20, -1])
def test_a_changed_ciphertext_does_not_open(place: int) -> None:
    ring = Ring([os.urandom(32)])
    sealed = bytearray(ring.seal(SECRET, HERE))
    sealed[place] ^= 1
    with pytest.raises(VaultError):
        ring.open(bytes(sealed), HERE)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 17])
def test_a_cut_off_ciphertext_does_not_open(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        Ring([os.urandom(32)]).open(sealed, HERE)


def test_another_ring_does_not_open_it() -> None:
    sealed = Ring([os.urandom(32)]).seal(SECRET, HERE)
    with pytest.raises(VaultError, match="not in the key ring"):
        Ring([os.urandom(32)]).open(sealed, HERE)


def test_an_older_key_of_the_ring_opens_it() -> None:
    old, new = os.urandom(32), os.urandom(32)
    assert Ring([new, old]).open(Ring([old]).seal(SECRET, HERE), HERE) == SECRET


def test_rotation_seals_anew_and_the_old_ring_opens_nothing_any_more(app: Flask) -> None:
    id = stored(app)
    with app.app_context():
        before = vault.ring()
        assert rotation.rotate() == 1
        endpoint = found(id)
        assert endpoint.key_ciphertext is not None
        with pytest.raises(VaultError):
            before.open(endpoint.key_ciphertext, endpoint.place_of("key"))
    assert key_of(app, id) == SECRET


def test_the_ring_does_not_grow_with_each_rotation(app: Flask) -> None:
    stored(app)
    with app.app_context():
        for _ in range(4):
            rotation.rotate()
        assert len(vault.ring().keys) == 2


def test_rotation_keeps_what_equal_keys_are_told_by(app: Flask) -> None:
    with app.app_context():
        before = digest(SECRET)
        db.session.commit()
        rotation.rotate()
        assert digest(SECRET) == before and digest(SECRET + "x") != before


def test_the_ring_can_only_be_read_by_its_owner(app: Flask) -> None:
    with app.app_context():
        path = vault.ring_path(settings())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_ring_is_made_only_once(app: Flask) -> None:
    with app.app_context():
        before = vault.ring().keys
        assert vault.ensure_ring(settings()) is False
        assert vault.ring().keys == before


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', '{"keys": ["AAAA"]}', '{"keys": ["!"]}', '{"keys": 1}']
)
def test_a_broken_ring_is_said_in_one_sentence(app: Flask, text: str) -> None:
    with app.app_context():
        vault.ring_path(settings()).write_text(text)
        with pytest.raises(VaultError) as caught:
            vault.ring()
    assert "\n" not in str(caught.value)


def test_a_ring_in_the_settings(app: Flask) -> None:
    key = base64.b64encode(os.urandom(32)).decode()
    with app.app_context():
        object.__setattr__(settings(), "encryption_keys", (key,))
        assert vault.open_(vault.seal(SECRET, HERE), HERE) == SECRET
        assert vault.ring().keys == (base64.b64decode(key),)


def test_a_reference_is_read_from_the_environment(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_KEY_GROQ", SECRET)
    with app.app_context():
        assert vault.resolve("env://MUSTER_KEY_GROQ") == SECRET


@pytest.mark.parametrize(
    "name", ["PATH", "MUSTER_KEY_", "MUSTER_SECRET_KEY", "MUSTER_KEY_a", "MUSTER_KEY_" + "A" * 300]
)
def test_other_variables_are_out_of_reach(app: Flask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, SECRET)
    with app.app_context(), pytest.raises(VaultError, match="starts with MUSTER_KEY_"):
        vault.resolve(f"env://{name}")


def test_a_variable_that_is_not_set(app: Flask) -> None:
    with app.app_context(), pytest.raises(VaultError, match="has no variable MUSTER_KEY_NONE"):
        vault.resolve("env://MUSTER_KEY_NONE")


def test_a_ring_that_can_not_be_made(app: Flask, tmp_path: Path) -> None:
    settings = replace(app.config["MUSTER"], instance=tmp_path / "gone", encryption_keys=())
    with pytest.raises(VaultError, match="can't be written .*MUSTER_INSTANCE"):
        vault.ensure_ring(settings)


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_variable_that_is_empty(app: Flask, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MUSTER_KEY_P", value)
    with app.app_context(), pytest.raises(VaultError, match="The variable MUSTER_KEY_P .* is empty"):
        vault.resolve("env://MUSTER_KEY_P")


def test_a_name_with_other_signs_is_told_which_may_stand(app: Flask) -> None:
    with app.app_context(), pytest.raises(VaultError, match="after that only A to Z, 0 to 9 and _ may stand"):
        vault.reference_name("env://MUSTER_KEY_my-key")


def test_no_file_and_no_log_line_shows_a_stored_key(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert key_of(app, stored(app)) == SECRET
    spellings = (SECRET, base64.b64encode(SECRET.encode()).decode().rstrip("="), SECRET.encode().hex())
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(spelling.encode() in files or spelling in caplog.text for spelling in spellings)
