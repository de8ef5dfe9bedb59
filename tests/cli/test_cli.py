"""The commands of the operator, each in the same process but with its own application."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, text

from app.cli import main
from app.config import ROOT
from app.store import vault
from app.store.accounts import Token, User
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.web.browser_sessions import sign_in
from tests import quick_start
from tests.conftest import PASSWORD


class Operator:
    """Runs `muster` against the database of the test."""

    def __init__(self, app: Flask, database_url: str) -> None:
        self.app = app
        self.environ = {
            "MUSTER_INSTANCE": str(app.config["MUSTER"].instance),
            "MUSTER_DATABASE_URL": database_url,
        }

    def __call__(self, *arguments: str, input: str | bytes | None = None, **environ: str) -> Result:
        return CliRunner().invoke(main, arguments, input=input, env=self.environ | environ)

    def actions(self) -> list[str]:
        """What the audit log says, oldest first."""
        with self.app.app_context():
            return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


@pytest.fixture
def muster(app: Flask, database_url: str) -> Operator:
    """The operator of the application."""
    return Operator(app, database_url)


def sentence(ended: Result) -> str:
    """The one sentence that a command ended with."""
    assert ended.exit_code == 1 and "Traceback" not in ended.output
    (line,) = ended.stderr.strip().splitlines()
    return line.removeprefix("Error: ")


@pytest.mark.both_databases
def test_a_token_is_printed_once_and_works(muster: Operator) -> None:
    made = muster("token", "create", "deploy", "--scope", "read")
    assert re.fullmatch(r"mst_[\w-]{43}\n", made.stdout)
    listed = muster("token", "list").stdout
    assert "deploy" in listed and "valid" in listed and made.stdout.strip() not in listed
    header = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert muster.app.test_client().get("/v2/models", headers=header).status_code == 200


def test_a_token_is_revoked_by_name(muster: Operator) -> None:
    muster("token", "create", "deploy")
    assert muster("token", "revoke", "deploy").exit_code == 0
    with muster.app.app_context():
        assert Token.newest()[0].revoked is not None
    assert sentence(muster("token", "revoke", "deploy")) == "No valid token 'deploy'."
    assert muster.actions() == ["token.created", "token.revoked"]


def test_two_tokens_of_one_name_are_told_apart_by_id(muster: Operator) -> None:
    muster("token", "create", "deploy")
    muster("token", "create", "deploy")
    assert "give the id" in sentence(muster("token", "revoke", "deploy"))
    with muster.app.app_context():
        id = Token.newest()[0].id
    assert muster("token", "revoke", id).exit_code == 0


def test_an_unknown_scope_is_a_wrong_use(muster: Operator) -> None:
    assert muster("token", "create", "deploy", "--scope", "root").exit_code == 2


def test_a_user_can_sign_in(muster: Operator) -> None:
    made = muster("user", "create", "a@b.de", "--role", "editor", "--password-stdin", input=PASSWORD + "\n")
    assert made.exit_code == 0 and PASSWORD not in made.output
    with muster.app.test_request_context():
        user = sign_in("a@b.de", PASSWORD)
        assert user is not None and user.role == "editor"
    assert muster.actions()[0] == "user.created"


def test_the_password_is_asked_for(muster: Operator) -> None:
    made = muster("user", "create", "a@b.de", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0 and PASSWORD not in made.output


def test_a_short_password(muster: Operator) -> None:
    ended = muster("user", "create", "a@b.de", "--password-stdin", input="short\n")
    assert sentence(ended) == "A password needs 15 to 1,024 characters."
    with muster.app.app_context():
        assert not User.exists()


def test_a_password_that_is_no_text(muster: Operator) -> None:
    ended = muster("user", "create", "a@b.de", "--password-stdin", input=b"\xff\xfe123456789\n")
    assert ended.exit_code == 2 and "not UTF-8 text" in ended.stderr and "Traceback" not in ended.output
    assert isinstance(ended.exception, SystemExit)


def test_a_list_that_can_not_be_printed_ends_with_a_sentence(muster: Operator) -> None:
    command = [sys.executable, "-m", "app.cli", "token", "list"]
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = quick_start.run(
            command,
            env=os.environ | muster.environ,
            cwd=ROOT,
            stdout=full,
            stderr=PIPE,
            text=True,
            timeout=60,
        )
    assert (ended.returncode, ended.stderr) == (
        3,
        "Error: The output can't be written (No space left on device).\n",
    )


def test_a_wrong_setting(muster: Operator) -> None:
    ended = muster("token", "list", MUSTER_PORT="http")
    assert sentence(ended) == "MUSTER_PORT must be a whole number from 1 to 65535; 'http' is not."


def test_an_unknown_setting_gets_a_warning(muster: Operator) -> None:
    ended = muster("token", "list", MUSTER_PROT="1")
    assert ended.exit_code == 0 and "MUSTER_PROT is not a setting" in ended.stderr


@pytest.mark.both_databases
def test_an_older_database(muster: Operator) -> None:
    with muster.app.app_context():
        db.session.execute(text("DELETE FROM alembic_version"))
        db.session.commit()
    assert "run: muster db upgrade" in sentence(muster("token", "list"))


@pytest.mark.both_databases
def test_a_newer_database(muster: Operator) -> None:
    with muster.app.app_context():
        for table, column in (("alembic_version", "version_num"), ("schema_floor", "revision")):
            db.session.execute(text(f"UPDATE {table} SET {column} = 'from_the_future'"))
        db.session.commit()
    assert "newer Muster" in sentence(muster("db", "upgrade"))


@pytest.mark.both_databases
def test_the_database_is_made(tmp_path: Path) -> None:
    environ = {"MUSTER_INSTANCE": str(tmp_path / "new")}
    assert CliRunner().invoke(main, ["db", "upgrade"], env=environ).exit_code == 0
    assert CliRunner().invoke(main, ["token", "list"], env=environ).exit_code == 0


@pytest.mark.both_databases
def test_rotation(muster: Operator) -> None:
    with muster.app.app_context():
        before = vault.ring().keys
    assert "0 stored API keys" in muster("key", "rotate").stdout
    with muster.app.app_context():
        assert vault.ring().keys[0] != before[0]
    assert muster.actions() == ["keys.rotated"]


def test_the_help_names_every_command(muster: Operator) -> None:
    shown = muster("--help").stdout
    assert all(f"  {name} " in shown for name in main.commands)


def add_user(muster: Operator, email: str, role: str = "editor") -> None:
    """Somebody who can sign in with PASSWORD."""
    muster("user", "create", email, "--role", role, "--password-stdin", input=PASSWORD + "\n")


def let_in(muster: Operator, email: str, password: str) -> bool:
    """Whether somebody gets in with these."""
    with muster.app.test_request_context():
        return sign_in(email, password) is not None


def test_a_token_that_expires(muster: Operator) -> None:
    made = muster("token", "create", "deploy", "--expires", "90d")
    assert "until " in made.stderr and made.exit_code == 0
    (row,) = json.loads(muster("token", "list", "--json").stdout)
    assert row["state"] == "valid" and row["expires"] > row["created"] and row["last_used"] is None
    assert (
        made.stdout.strip() not in json.dumps(row) and row["expires"][:10] in muster("token", "list").stdout
    )
    assert "no span of time" in sentence(muster("token", "create", "deploy", "--expires", "soon"))


def test_users_are_listed(muster: Operator) -> None:
    add_user(muster, "a@b.de")
    (row,) = json.loads(muster("user", "list", "--json").stdout)
    assert (row["email"], row["role"], row["state"]) == ("a@b.de", "editor", "active")
    assert "password" not in row and "a@b.de" in muster("user", "list").stdout


def test_a_password_is_reset_and_shown_with_the_address(muster: Operator) -> None:
    add_user(muster, "a@b.de")
    shown = muster("user", "reset-password", "A@B.de").stdout
    password = re.search(r"password +(\S+)", shown)
    assert "a@b.de" in shown and "http://" in shown
    assert password and let_in(muster, "a@b.de", password[1])
    assert not let_in(muster, "a@b.de", PASSWORD)
    again = json.loads(muster("user", "reset-password", "a@b.de", "--json").stdout)
    assert again["email"] == "a@b.de" and let_in(muster, "a@b.de", again["password"])
    typed = muster("user", "reset-password", "a@b.de", "--password-stdin", input=PASSWORD + "\n").stdout
    assert PASSWORD not in typed and let_in(muster, "a@b.de", PASSWORD)


def test_somebody_is_shut_out_and_let_in(muster: Operator) -> None:
    add_user(muster, "a@b.de")
    assert muster("user", "disable", "a@b.de").stdout == "a@b.de is shut out.\n"
    assert not let_in(muster, "a@b.de", PASSWORD)
    assert json.loads(muster("user", "enable", "a@b.de", "--json").stdout)["state"] == "active"
    assert let_in(muster, "a@b.de", PASSWORD)


def test_a_role_is_changed(muster: Operator) -> None:
    add_user(muster, "a@b.de")
    assert muster("user", "role", "a@b.de", "viewer").stdout == "a@b.de is viewer now.\n"
    assert "no user 'x@y.de'" in sentence(muster("user", "role", "x@y.de", "viewer"))
    assert muster("user", "role", "a@b.de", "king").exit_code == 2


def test_the_last_administrator_is_not_shut_out(muster: Operator) -> None:
    add_user(muster, "a@b.de", "admin")
    assert "last administrator" in sentence(muster("user", "disable", "a@b.de"))
    assert "last administrator" in sentence(muster("user", "role", "a@b.de", "viewer"))


def test_the_audit_log_is_verified(muster: Operator) -> None:
    add_user(muster, "a@b.de")
    muster("token", "create", "deploy")
    whole = json.loads(muster("audit", "verify", "--json").stdout)
    assert whole["whole"] and whole["events"] == 2 and whole["digest"] in muster("audit", "verify").stdout
    lines = [json.loads(line) for line in muster("audit", "export").stdout.splitlines()]
    assert [line["place"] for line in lines] == [1, 2] and lines[-1]["digest"] == whole["digest"]
    assert len(muster("audit", "export", "--after", "1").stdout.splitlines()) == 1
    assert muster("audit", "verify", "--knows", lines[0]["digest"]).exit_code == 0
    with muster.app.app_context():
        db.session.execute(text("UPDATE audit_events SET subject = 'x' WHERE place = 1"))
        db.session.commit()
    assert "place 1 is not as it was written" in sentence(muster("audit", "verify"))
    ended = muster("audit", "verify", "--json")
    assert ended.exit_code == 1 and json.loads(ended.stdout)["whole"] is False
