"""What the machine refuses ends in one sentence and the documented code, never in a traceback."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.application import opened_app
from app.config import ROOT
from app.store import database
from app.store.accounts import User
from app.store.base import db
from tests import quick_start
from tests.conftest import PASSWORD

SECRET = "a-secret-that-signs-sessions-0123456789"


def muster(
    instance: Path, *arguments: str, input: str = "", out: str = "", **environ: str
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a `muster` without a terminal."""
    given = {"PATH": os.environ["PATH"], "HOME": str(instance), "MUSTER_INSTANCE": str(instance)} | environ
    with open(out or os.devnull, "w", encoding="utf-8") as full:
        done = quick_start.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env=given,
            input=input,
            stdout=full if out else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            umask=0o022,  # as most machines have it
            timeout=60,
        )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout or "", done.stderr


@pytest.fixture
def instance(sqlite_template: Path, tmp_path: Path) -> Path:
    """An instance folder with an empty database."""
    (tmp_path / "muster.sqlite").write_bytes(sqlite_template.read_bytes())
    return tmp_path


def test_no_terminal_for_a_password(instance: Path) -> None:
    code, _, said = muster(instance, "user", "create", "a@b.de")
    assert code == 2 and "There is no terminal to ask for the password" in said and PASSWORD not in said


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    code, _, said = muster(tmp_path / "gone", "user", "list")
    assert code == 1 and said.startswith("Error: There is no database at") and said.count("\n") == 1


def test_a_database_that_is_locked(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that the wait can be a short one."""
    monkeypatch.setenv("MUSTER_INSTANCE", str(instance))
    other = sqlite3.connect(instance / "muster.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(database.DatabaseError, match="is locked"):
            with opened_app():
                db.session.execute(db.text("PRAGMA busy_timeout = 50"))
                db.session.add(User(email="a@b.de", role="viewer", password_hash=""))
                db.session.commit()
    finally:
        other.close()


@pytest.mark.parametrize("arguments", [["--help"], ["user", "--help"], ["settings"]], ids=" ".join)
def test_an_output_that_can_not_be_written(instance: Path, arguments: list[str]) -> None:
    code, _, said = muster(instance, *arguments, out="/dev/full")
    assert (code, said) == (3, "Error: The output can't be written (No space left on device).\n")


@pytest.mark.parametrize("command", ["serve", "check", "db"])
def test_a_folder_that_can_not_be_written(command: str) -> None:
    arguments = ["db", "upgrade"] if command == "db" else [command]
    code, out, said = muster(Path("/proc/muster"), *arguments, MUSTER_PORT="8791")
    assert code == 1 and "/proc/muster" in out + said


def test_what_is_in_force_and_who_set_it(instance: Path) -> None:
    given = {"MUSTER_SECRET_KEY": SECRET, "MUSTER_PORT": "8791"}
    code, out, _ = muster(instance, "settings", "--effective", **given)
    assert code == 0 and SECRET not in out
    assert "MUSTER_PORT=8791  (environment)" in out and "MUSTER_SECRET_KEY=set  (environment)" in out
    assert "MUSTER_WORKERS=2  (default)" in out
    rows = json.loads(muster(instance, "settings", "--effective", "--json", **given)[1])
    assert {"setting": "MUSTER_PORT", "value": "8791", "origin": "environment"} in rows
    assert SECRET not in str(rows)


def test_json_of_the_table_is_wrong_usage(instance: Path) -> None:
    assert muster(instance, "settings", "--json")[0] == 2


def test_what_a_command_makes_is_its_users_alone(tmp_path: Path) -> None:
    code, _, _ = muster(tmp_path, "db", "upgrade")
    made = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert code == 0 and "muster.sqlite" in made and set(made.values()) == {0}
