"""`muster check` with one thing at a time that is wrong, each made for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app import config
from app.config import ROOT
from app.factory import create_app
from app.store import database, rotation, vault
from app.store.audit_events import AuditEvent
from app.store.base import db, new_id, now
from app.store.watch.channels import Channel, Delivery
from tests.cli.test_every_command import Zygote, installed, muster
from tests.ports import free_port
from tests.rows import an_endpoint

__all__ = ["installed", "muster"]

Check = Callable[..., dict[str, str]]


@pytest.fixture
def check(muster: Zygote, installed: Path) -> Check:
    """Runs it with these settings; gives the problems by name, and sees that the exit code fits them."""
    (installed / "instance").chmod(0o700)

    def run(**settings: str) -> dict[str, str]:
        (ended,) = muster(installed, "pipe", [("check",)], "--json", **settings)
        return problems(ended["code"], ended["out"])

    return run


def problems(code: int, printed: str) -> dict[str, str]:
    """What is wrong, by name."""
    found = json.loads(printed)
    wrong = {one["name"]: one["problem"] for one in found if one["problem"]}
    assert code == (1 if wrong else 0)
    return wrong


@contextmanager
def opened(folder: Path, url: str = "") -> Iterator[None]:
    """The installation's database, to write into."""
    with create_app({"instance": folder / "instance", "database_url": url}).app_context():
        yield
        db.session.commit()
        database.let_go()


def sql(statement: str) -> Callable[[Path], None]:
    """Runs a statement on the embedded database."""

    def run(instance: Path) -> None:
        with closing(sqlite3.connect(instance / "muster.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()

    return run


def replace_the_ring(instance: Path) -> None:
    """Another ring than the one that a stored key was sealed with."""
    with opened(instance.parent):
        endpoint = an_endpoint()
        endpoint.key_ciphertext = vault.seal("sk-1234567890", endpoint.place_of("key"))
        db.session.add(endpoint)
    (instance / "keyring.json").unlink()
    vault.ensure_ring(config.load_with({"instance": instance}))


def be_early(instance: Path) -> None:
    """Another machine, or this one before its clock was set back, has written an hour ahead."""
    with opened(instance.parent):
        ahead = datetime.now(UTC) + timedelta(hours=1)
        db.session.add(AuditEvent(at=ahead, actor="cli:ada", action="token.created"))


def test_all_is_right(muster: Zygote, installed: Path) -> None:
    (ended,) = muster(installed, "pipe", [("check",)])
    looked_at = [line.split() for line in ended["out"].splitlines()]
    names = ["folder", "space", "database", "clock", "keys", "channels"]
    assert looked_at == [["ok", name] for name in names] and ended["code"] == 0


@pytest.mark.parametrize(
    ("spoil", "name", "words"),
    [
        (lambda folder: folder.chmod(0o755), "folder", "chmod 700"),
        (lambda folder: (folder / "keyring.json").write_text("{}"), "keys", "keyring.json"),
        (lambda folder: (folder / "keyring.json").unlink(), "keys", "no key ring at"),
        (replace_the_ring, "keys", "key"),
        (lambda folder: (folder / "muster.sqlite").unlink(), "database", "muster db upgrade"),
        (sql("UPDATE alembic_version SET version_num = '0001'"), "database", "muster db upgrade"),
        (be_early, "clock", r"3[56]\d\d s behind the newest audit event"),
    ],
    ids=[
        "open folder",
        "spoiled ring",
        "lost ring",
        "other ring",
        "no database",
        "older database",
        "clock behind",
    ],
)
def test_what_is_wrong_is_named(
    check: Check, installed: Path, spoil: Callable[[Path], None], name: str, words: str
) -> None:
    spoil(installed / "instance")
    wrong = check()
    assert list(wrong) == [name] and re.search(words, wrong[name]), wrong


def run_under(wrapper: Sequence[str], folder: Path) -> dict[str, str]:
    """What it finds under another command."""
    if shutil.which(wrapper[0]) is None or subprocess.run([*wrapper, "true"], capture_output=True).returncode:
        pytest.skip(f"{wrapper[0]} can't do this here, so the check was NOT seen to find it")
    environ = os.environ | {"MUSTER_INSTANCE": str(folder / "instance"), "MUSTER_DATABASE_URL": ""}
    command = [*wrapper, sys.executable, "-m", "app.cli", "check", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    return problems(done.returncode, done.stdout)


def test_a_file_that_belongs_to_somebody_else(installed: Path) -> None:
    """As one that root has made with a command. Root itself may read any, so it goes without that right."""
    (installed / "instance" / "keyring.json").chmod(0o000)
    powerless = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
    wrong = run_under(powerless if os.geteuid() == 0 else ("env",), installed)
    assert "keyring.json can't be read and written by this user; it belongs to" in wrong["folder"]


def test_a_disk_that_is_nearly_full(installed: Path) -> None:
    """A file system of 8 MiB, in a name space of its own, that holds the instance."""
    there, kept = installed / "instance", installed / "kept"
    there.rename(kept)
    there.mkdir()
    mounting = f'mount -t tmpfs -o size=8m,mode=700 none {there} && cp -p {kept}/* {there} && exec "$@"'
    wrong = run_under(
        ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounting, "-"), installed
    )
    assert list(wrong) == ["space"] and re.fullmatch(rf"Only \d MiB are left at {there}\.", wrong["space"])


def test_a_database_whose_clock_is_apart(check: Check, postgres_url: str) -> None:
    """Its own clock as this database tells it: an hour fast."""
    name = "apart"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template")
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as inside:
            inside.execute("CREATE SCHEMA fast")
            inside.execute(
                "CREATE FUNCTION fast.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
                " AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$"
            )
            assert check(MUSTER_DATABASE_URL=url) == {}
            inside.execute(f"ALTER DATABASE {name} SET search_path = fast, pg_catalog, public")
        assert "3600 s away from this machine's" in check(MUSTER_DATABASE_URL=url)["clock"]
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def add_channel(folder: Path, url: str, *, enabled: bool = True, **delivery: Any) -> None:
    """A channel, and its last message where something is told of it."""
    kind = "webhook" if url.startswith("http") else "apprise"
    with opened(folder):
        channel = Channel(id=new_id(), name="Ops", kind=kind, host="hooks", filter={}, enabled=enabled)
        channel.url_ciphertext = rotation.seal(url, channel.place_of("url"))
        db.session.add(channel)
        if delivery:
            db.session.add(Delivery(channel_id=channel.id, kind="test", due=now(), **delivery))


@pytest.fixture
def listening() -> Iterator[tuple[int, socket.socket]]:
    """A port that takes connections, and its socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1], server


def test_a_channel_that_takes_a_connection_gets_nothing_else(
    check: Check, installed: Path, listening: tuple[int, socket.socket]
) -> None:
    add_channel(installed, f"http://127.0.0.1:{listening[0]}/hooks/s3cret")
    assert check() == {}
    taken, _ = listening[1].accept()
    with taken:
        taken.settimeout(30)
        assert taken.recv(1) == b""


def test_a_channel_that_takes_no_connection(check: Check, installed: Path) -> None:
    add_channel(installed, f"http://127.0.0.1:{free_port()}/hooks/s3cret")
    said = check()["channels"]
    assert said.startswith("Ops (hooks): It can't be reached: ") and "s3cret" not in said


def test_a_channel_that_may_not_be_contacted(
    check: Check, installed: Path, listening: tuple[int, socket.socket]
) -> None:
    add_channel(installed, f"http://127.0.0.1:{listening[0]}/")
    assert "deny list" in check(MUSTER_EGRESS_DENY="127.0.0.0/8")["channels"]
    listening[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        listening[1].accept()


def test_a_service_whose_address_apprise_does_not_know(check: Check, installed: Path) -> None:
    add_channel(installed, "slack://nothing")
    assert "no address that apprise knows" in check()["channels"]


@pytest.mark.parametrize(("state", "named"), [("failed", True), ("pending", True), ("sent", False)])
def test_the_last_message_of_a_channel(
    check: Check, installed: Path, listening: tuple[int, socket.socket], state: str, named: bool
) -> None:
    url = f"http://127.0.0.1:{listening[0]}/"
    add_channel(installed, url, state=state, attempts=1, message="It answered 410.")
    wrong = {"channels": "Ops (hooks): The last message did not get through: It answered 410."}
    assert check() == (wrong if named else {})


def test_a_channel_that_is_switched_off_is_nobody_s_trouble(check: Check, installed: Path) -> None:
    add_channel(installed, f"http://127.0.0.1:{free_port()}/", enabled=False, state="failed", attempts=1)
    assert check() == {}
