"""Tables, migrations, and that several writers get along."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from app.factory import create_app
from app.store import database
from app.store.accounts import Token
from app.store.audit_events import AuditEvent
from app.store.base import db, new_id, now
from app.store.database import DatabaseError
from app.store.migrations import revisions, schema_floor
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests import quick_start
from tests.rows import a_model, an_endpoint

pytestmark = pytest.mark.both_databases


def test_the_migrations_make_the_tables_of_the_program(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_migrations_go_down_and_up_again(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        upgrade()
        assert "models" in inspect(db.engine).get_table_names()


def test_the_upgrade_takes_queries_out_of_what_is_searched(app: Flask) -> None:
    """A query may be a key; the question mark of a name stays."""
    with app.app_context():
        db.session.add(a_model(display_name="Why? Llama", base_url="https://llm.example.com/v1?key=hidden"))
        db.session.commit()
        downgrade(revision="0090")
        searched = "why? llama\nllama\n//llm.example.com/v1?key=hidden"
        db.session.execute(update(RegisteredModel).values(search=searched))
        db.session.commit()
        upgrade()
        found = db.session.scalars(select(RegisteredModel.search)).one()
        assert found == searched.removesuffix("?key=hidden")


def test_an_upgrade_of_an_upgraded_database_changes_nothing(app: Flask) -> None:
    with app.app_context():
        revisions.upgrade_database()
        assert revisions.revision() == revisions.newest_revision()


FUTURE = "from_the_future"


def come_from_the_future(*, older_programs_work: bool) -> None:
    """What a migration of a later release does: one that only adds, or one that takes something away."""
    db.session.execute(text(f"UPDATE alembic_version SET version_num = '{FUTURE}'"))
    db.session.execute(text("ALTER TABLE models ADD COLUMN from_the_future TEXT"))
    db.session.execute(text("CREATE TABLE from_the_future (id INTEGER PRIMARY KEY)"))
    if not older_programs_work:
        db.session.execute(text(f"UPDATE schema_floor SET revision = '{FUTURE}'"))
    db.session.commit()


def test_a_newer_database_is_refused(app: Flask) -> None:
    with app.app_context():
        come_from_the_future(older_programs_work=False)
        with pytest.raises(DatabaseError, match="made by a newer Muster"):
            revisions.upgrade_database()
        assert app.test_client().get("/readyz").json["error"]["code"] == "database_outdated"  # type: ignore[index]


def test_a_database_that_is_ahead_serves_an_older_program(app: Flask, auth: dict[str, str]) -> None:
    """In the middle of an upgrade machine by machine; tests/deploy has it with two servers."""
    with app.app_context():
        come_from_the_future(older_programs_work=True)
        revisions.upgrade_database()
        revisions.require_current()
        assert revisions.revision() == FUTURE
        db.session.add(a_model())
        db.session.commit()
    assert app.test_client().get("/readyz").status_code == 200
    assert len(app.test_client().get("/v2/models", headers=auth).json or []) == 1


@pytest.mark.parametrize("says", [True, False])
def test_a_migration_keeps_older_programs_away_unless_it_says_otherwise(
    app: Flask, tmp_path: Path, says: bool
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(database.MIGRATIONS, folder)
    head = revisions.newest_revision()
    next_one = f"revision, down_revision = 'z1', '{head}'\nolder_programs_work = {says}\n"
    (folder / "versions" / "z1_next.py").write_text(next_one + "def upgrade() -> None:\n    pass\n")
    with app.app_context(), db.engine.connect() as connection:
        before = schema_floor.read(connection)
        upgrade(directory=str(folder))
        assert schema_floor.read(connection) == (before if says else "z1")


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://nobody@/muster?host={tmp_path}"
    app = create_app({"instance": tmp_path, "database_url": url})
    with app.app_context(), pytest.raises(DatabaseError, match="^The database can't be used") as caught:
        revisions.upgrade_database()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (revisions.require_current, "There is no database at {}: muster serve makes it"),
        (revisions.upgrade_database, "Check that {} can be written"),
    ],
)
def test_a_folder_that_is_not_there(tmp_path: Path, act: Callable[[], None], words: str) -> None:
    with create_app({"instance": tmp_path / "gone"}).app_context(), pytest.raises(DatabaseError) as caught:
        act()
    said = str(caught.value)
    assert words.format(tmp_path / "gone" / "muster.sqlite") in said and "MUSTER_INSTANCE" in said


def test_times_are_utc_to_the_millisecond(app: Flask) -> None:
    moment = now()
    with app.app_context():
        db.session.add(a_model(id=(id := new_id()), created=moment))
        db.session.commit()
        db.session.expire_all()
        found = RegisteredModel.by_id(id)
    assert found is not None and found.created == moment and found.created.utcoffset() is not None


_WAITS = {"sqlite": ("PRAGMA synchronous", "2", "1"), "postgresql": ("SHOW synchronous_commit", "on", "off")}


def test_a_worker_does_not_wait_for_the_disk(make_app: Callable[..., Flask]) -> None:
    with make_app().app_context():
        ask, waiting, at_once = _WAITS[db.engine.dialect.name]

        def told() -> str:
            try:
                return str(db.session.execute(text(ask)).scalar_one())
            finally:
                db.session.rollback()

        if db.engine.dialect.name == "postgresql":  # as operators have it; the tests' own server never waits
            db.session.execute(text("SET synchronous_commit TO on"))
            db.session.commit()
        before = told()
        database.write_without_waiting_for_the_disk()
        assert (before, told()) == (waiting, at_once)


def test_the_same_model_twice(app: Flask) -> None:
    with app.app_context():
        db.session.add_all([a_model(), a_model(display_name="Another")])
        with pytest.raises(IntegrityError):
            db.session.commit()


def test_the_longest_values_fit(app: Flask) -> None:
    wide = {
        "model_id": "\N{SNOWMAN}" * 256,
        "base_url": "http://h/" + "\N{SNOWMAN}" * 2039,
        "display_name": "\N{PILE OF POO}" * 128,
        "max_tokens": 2**62,
    }
    with app.app_context():
        db.session.add(a_model(**wide))
        db.session.commit()
        (found,) = RegisteredModel.by_ref("\N{SNOWMAN}" * 256)
        assert found.max_tokens == 2**62


def test_a_change_of_address_changes_the_identity(app: Flask) -> None:
    with app.app_context():
        db.session.add(row := a_model())
        db.session.commit()
        row.endpoint = an_endpoint("http://127.0.0.1:10/v1")
        db.session.commit()
        assert RegisteredModel.same_as("llama", "http://127.0.0.1:10/v1", "chat") is row
        assert RegisteredModel.same_as("llama", "https://llm.example.com/v1", "chat") is None


@pytest.mark.parametrize(
    "filters, wanted",
    [
        ({"q": "LLA"}, ["llama"]),
        ({"q": "%"}, ["100%"]),
        ({"region": "us"}, ["100%"]),
        ({"model_type": "chat"}, ["100%", "llama"]),
        ({"model_type": "image"}, []),
        ({"enabled": False}, ["100%"]),
        ({"status": "unknown"}, ["100%", "llama"]),
    ],
)
def test_filters(app: Flask, filters: dict[str, object], wanted: list[str]) -> None:
    with app.app_context():
        db.session.add(a_model())
        db.session.commit()
        db.session.add(a_model(model_id="100%", display_name="All", region="us", enabled=False))
        db.session.commit()
        matching = RegisteredModel.matching(**filters).order_by(RegisteredModel.id.desc())  # type: ignore[arg-type]
        assert [row.model_id for row in db.session.scalars(matching)] == wanted


def test_a_deleted_model_takes_its_probes_along_and_leaves_its_audit(app: Flask) -> None:
    with app.app_context():
        db.session.add(row := a_model())
        db.session.flush()
        db.session.add(Probe(model_pk=row.id, verdict="accepted", trigger="registration"))
        db.session.add(AuditEvent(actor="test", action="model.registered", model_pk=row.id))
        db.session.commit()
        db.session.delete(row)
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(Probe)) == 0
        assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == 1


def test_many_writers_that_read_first(app: Flask) -> None:
    """A deferred transaction of SQLite would end in "database is locked" here."""
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with app.app_context():
                for turn in range(10):
                    db.session.scalar(select(func.count()).select_from(Token))
                    name = f"{number}.{turn}"
                    db.session.add(Token(name=name, shown="x", digest=name, scopes=["read"]))
                    db.session.flush()
                    db.session.scalar(select(func.count()).select_from(Token))
                    db.session.commit()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert (failures, db.session.scalar(select(func.count()).select_from(Token))) == ([], 100)


def test_what_was_not_committed_is_gone(app: Flask) -> None:
    with app.app_context():
        db.session.add(a_model())
        db.session.flush()
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0


_KILLED = """
import os, signal, sys
from pathlib import Path
from app.factory import create_app
from app.store.base import db
from tests.rows import a_model
app = create_app({"instance": Path(sys.argv[1]), "database_url": sys.argv[2]})
with app.app_context():
    row = {"model_id": "m", "display_name": "m", "model_type": "chat", "region": "r"}
    db.session.add(a_model(**row))
    db.session.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_within_a_transaction_leaves_nothing(
    app: Flask, database_url: str, tmp_path: Path
) -> None:
    ended = quick_start.run([sys.executable, "-c", _KILLED, str(tmp_path), database_url], timeout=60)
    assert ended.returncode == -9
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(RegisteredModel)) == 0
        db.session.add(a_model())
        db.session.commit()
