"""Several starts at once on one empty database, and what others on the machine may read of it."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app import config
from app.cli.serving import server
from app.cli.serving.serve import prepare
from app.config import ROOT
from app.factory import create_app
from app.store import database, vault
from app.store.accounts import User
from app.store.base import db
from tests import quick_start
from tests.rows import an_endpoint

AT_ONCE = 4
START = """
from app import config
from app.cli.application import made_app
from app.cli.serving.serve import prepare
chosen = config.load_with({})
config.ensure_secret(chosen)
print(prepare(made_app()) or "-")
"""


def test_of_many_first_starts_one_makes_the_administrator(empty_database_url: str, tmp_path: Path) -> None:
    environ = os.environ | {
        "MUSTER_INSTANCE": str(tmp_path),
        "MUSTER_DATABASE_URL": empty_database_url,
        "MUSTER_ENCRYPTION_KEYS": base64.b64encode(b"k" * 32).decode(),
    }
    command = [sys.executable, "-c", START]
    starts = [
        quick_start.Python(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(AT_ONCE)
    ]
    printed = sorted(start.communicate(timeout=120)[0].strip() for start in starts)
    assert [start.returncode for start in starts] == [0] * AT_ONCE
    assert printed[:-1] == ["-"] * (AT_ONCE - 1) and len(printed[-1]) > 20
    with create_app({"instance": tmp_path, "database_url": empty_database_url}).app_context():
        assert User.exists()
        db.session.remove()
        database.let_go()


@pytest.mark.parametrize("name", ["muster.sqlite", "muster.sqlite-wal", "keyring.json", "secret_key"])
def test_what_was_open_to_others_is_closed_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (tmp_path / name).touch()
    (tmp_path / name).chmod(0o644)  # whatever the umask is
    tmp_path.chmod(0o755)
    with caplog.at_level(logging.WARNING, "muster.start"):
        server.require_folder(config.load_with({"instance": tmp_path}))
    assert oct((tmp_path / name).stat().st_mode)[-3:] == "600"
    assert oct(tmp_path.stat().st_mode)[-3:] == "700"
    assert name in caplog.text


def test_a_database_elsewhere_is_closed_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)  # whatever the umask is
    for name in ("m.sqlite", "m.sqlite-wal", "other"):
        (elsewhere / name).touch()
        (elsewhere / name).chmod(0o644)
    with caplog.at_level(logging.WARNING, "muster.start"):
        chosen = {"instance": tmp_path / "instance", "database_url": f"sqlite:///{elsewhere / 'm.sqlite'}"}
        server.require_folder(config.load_with(chosen))
    rights = {file.name: oct(file.stat().st_mode)[-3:] for file in elsewhere.iterdir()}
    assert rights == {"m.sqlite": "600", "m.sqlite-wal": "600", "other": "644"}
    assert "m.sqlite" in caplog.text and oct(elsewhere.stat().st_mode)[-3:] == "755"


def test_what_was_closed_is_not_spoken_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "keyring.json").touch(0o600)
    server.require_folder(config.load_with({"instance": tmp_path}))
    assert caplog.text == ""


def test_a_machine_with_another_ring_says_so_at_its_start(
    make_app: Callable[..., Flask],
    app: Flask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with app.app_context():
        endpoint = an_endpoint()
        endpoint.key_ciphertext = vault.seal("sk-1", endpoint.place_of("key"))
        db.session.add(endpoint)
        db.session.commit()
    prepare(app)
    assert caplog.text == ""
    another = make_app(encryption_keys=(base64.b64encode(b"k" * 32).decode(),))
    prepare(another)
    assert "same key ring" in caplog.text and "sk-1" not in caplog.text
