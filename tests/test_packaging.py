"""The built wheel is a whole Muster: pages, static files and migrations travel with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.config import ROOT

_UNREACHABLE = r"No matching distribution found|NewConnectionError|name resolution"
SIGNIN = """
from app import config
from app.factory import create_app
from app.store import database
app = create_app()
with app.app_context():
    database.upgrade_database()
client = app.test_client()
print(config.RESOURCES, app.config["MUSTER"].instance, sep="\\n")
paths = ("/signin", "/help/settings", app.static_url_path + "/app.css", "/readyz")
print(*(client.get(path).status_code for path in paths))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A folder with nothing but the unpacked wheel."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(wheel.parent / "site")
    return wheel.parent / "site"


def run(installed: Path, home: Path, *arguments: str) -> str:
    """What a Python process prints that finds this Muster first, with a home of its own."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=home, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_an_installed_muster_serves_its_pages(installed: Path, tmp_path: Path) -> None:
    instance = tmp_path / ".local/share/muster"
    instance.mkdir(parents=True)
    resources, where, statuses = run(installed, tmp_path, "-c", SIGNIN).splitlines()
    assert (resources, where) == (str(installed / "app"), str(instance))
    assert statuses.split()[:3] == ["200", "200", "200"]
    assert (instance / "muster.sqlite").exists()


def test_pipx_runs_it_with_nothing_but_what_the_wheel_asks_for(wheel: Path, tmp_path: Path) -> None:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "PYTHON"))
    }
    command = [sys.executable, "-m", "pipx", "run", "--spec", str(wheel), "muster", "db", "upgrade"]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    if re.search(_UNREACHABLE, ran.stderr):
        pytest.skip("what the wheel asks for could not be fetched, so pipx was NOT tried")
    assert ran.returncode == 0 and ran.stdout.startswith("The database is at revision"), (
        ran.stdout + ran.stderr
    )
    assert (tmp_path / ".local/share/muster/muster.sqlite").exists()


def test_nothing_but_the_program_is_in_the_wheel(installed: Path) -> None:
    assert {path.name.split("-")[0] for path in installed.iterdir()} == {"app", "muster"}
    assert not list(installed.rglob("*.sqlite*"))


@pytest.mark.parametrize("arguments", [["--help"], ["probe", "--help"]], ids=" ".join)
def test_help_needs_neither_a_database_nor_pages(
    installed: Path, tmp_path: Path, arguments: list[str]
) -> None:
    """They start quickly since they load neither; what is not loaded can't be slow."""
    code = "import sys; from app.cli import main; main(standalone_mode=False); print(*sorted(sys.modules))"
    loaded = run(installed, tmp_path, "-c", code, *arguments).split()
    assert {"sqlalchemy", "flask_wtf", "gunicorn"}.isdisjoint(loaded)
