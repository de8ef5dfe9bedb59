"""The drill: a backup while Muster runs, everything lost, and back again, keys included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import requests
from sqlalchemy import select

from app.access import sessions
from app.config import ROOT
from app.store.accounts import BrowserSession, User
from app.store.audit_events import AuditEvent
from app.store.base import db
from tests import quick_start
from tests.cli.test_serve import started_once
from tests.load.running import Running
from tests.migrated import put_sqlite


def muster(instance: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`muster …` on an instance folder of its own."""
    environ = os.environ | {"MUSTER_INSTANCE": str(instance), "MUSTER_DATABASE_URL": ""} | settings
    command = [sys.executable, "-m", "app.cli", *words]
    return quick_start.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


def register(running: Running) -> str:
    """The id of a registered model of the practice endpoint."""
    wanted = {
        "api_key": "practice-key", "base_url": running.practice_url, "display_name": "Kept",
        "region": "local", "model_id": "practice-chat", "model_type": "chat",
    }  # fmt: skip
    answer = requests.post(
        f"{running.url}/v2/models/openai-like?depth=proof", json=wanted, headers=auth(running), timeout=60
    )
    assert answer.status_code == 200, answer.text
    id: str = answer.json()["id"]
    return id


def auth(running: Running) -> dict[str, str]:
    """The header of a token that may do everything."""
    return {"Authorization": f"Bearer {running.token}"}


def test_the_drill(tmp_path: Path) -> None:
    running, copy = Running(tmp_path, watch_seconds=0), tmp_path / "monday #1?.sqlite"
    instance = tmp_path / "instance"
    try:
        id = register(running)
        made = muster(instance, "backup", str(copy))
        assert made.returncode == 0 and "keyring.json" in made.stdout, made.stderr
        assert oct(copy.stat().st_mode)[-3:] == "600"
        assert muster(instance, "backup", str(copy)).returncode == 1, "a backup replaces nothing"
    finally:
        running.stop()
    for file in instance.glob("muster.sqlite*"):
        file.unlink()
    back = muster(instance, "restore", str(copy))
    assert back.returncode == 0, back.stderr
    again = Running(tmp_path, watch_seconds=0, practice_port=running.practice_port)
    try:
        url = f"{again.url}/v2/models/{id}/probes?depth=proof"
        probed = requests.post(url, headers=auth(again), timeout=60)
        assert probed.status_code == 200 and probed.json()["verdict"] == "accepted", probed.text
    finally:
        again.stop()


def test_a_restore_brings_back_no_session(tmp_path: Path) -> None:
    """Who was signed in on the day of the backup may have been shut out since."""
    copy = tmp_path / "monday.sqlite"
    with started_once(tmp_path, ""):
        user = User(email="a@example.com", password_hash="", role="admin")
        db.session.add(user)
        db.session.flush()
        sessions.begin(user, "127.0.0.1", "")
        db.session.commit()
    assert muster(tmp_path, "backup", str(copy)).returncode == 0
    done = muster(tmp_path, "restore", str(copy), "--yes")
    assert done.returncode == 0 and "has to sign in again" in done.stdout
    with started_once(tmp_path, ""):
        assert db.session.scalars(select(BrowserSession)).all() == []
        events = select(AuditEvent.subject).where(AuditEvent.action == "database.restored")
        assert db.session.scalars(events).all() == ["monday.sqlite"]
        assert db.session.scalars(select(User.email)).all() == ["a@example.com", "admin@localhost"]


def test_a_file_that_is_no_backup_replaces_nothing(tmp_path: Path) -> None:
    put_sqlite(tmp_path / "muster.sqlite")
    before = (tmp_path / "muster.sqlite").read_bytes()
    junk = tmp_path / "junk"
    junk.write_bytes(b"not a database at all" * 100)
    done = muster(tmp_path, "restore", str(junk), "--yes")
    assert done.returncode == 1 and "no backup of Muster" in done.stderr
    assert (tmp_path / "muster.sqlite").read_bytes() == before


def test_postgresql_has_a_command_of_its_own(tmp_path: Path) -> None:
    url = "postgresql://muster:hunter2@db.example.com/muster"
    done = muster(tmp_path, "backup", "x", MUSTER_DATABASE_URL=url)
    assert done.returncode == 1 and "pg_dump" in done.stderr and "hunter2" not in done.stderr
