"""The built wheel is a whole Muster: pages, static files and migrations travel with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.config import ROOT

_UNREACHABLE = r"from versions: none|NewConnectionError|name resolution"
SIGNIN = """
from app import config
from app.factory import create_app
from app.store.migrations import revisions
app = create_app()
with app.app_context():
    revisions.upgrade_database()
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


def test_what_runs_is_installed_by_hash() -> None:
    """Everything that the package needs is in requirements.txt, in a version that fits, with its hashes."""
    told = (ROOT / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    pinned = {line.split("==")[0].partition("[")[0]: line for line in told if line and line[0] != "#"}
    assert [line for line in pinned.values() if "--hash=sha256:" not in line] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for needed in map(Requirement, project["dependencies"]):
        version = pinned[canonicalize_name(needed.name)].split("==")[1].split()[0]
        assert version in needed.specifier, needed


def pins(name: str) -> dict[str, str]:
    """The version of each package in one of the files that pin them."""
    lines = (line.split() for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if "==" in line)
    told = (words[0].split("==") for words in lines)
    return {canonicalize_name(package.partition("[")[0]): version for package, version in told}


def test_what_runs_is_what_the_tests_ran_with() -> None:
    runs, tested = pins("requirements.txt"), pins("constraints.txt")
    assert len(runs) > 50
    assert {name: (version, tested.get(name)) for name, version in runs.items()} == {
        name: (version, version) for name, version in runs.items()
    }


def test_the_bill_of_materials_lists_what_runs(tmp_path: Path) -> None:
    made = tmp_path / "sbom.json"
    command = ["make", "--no-print-directory", "-o", "install", "sbom", f"SBOM={made}"]
    command.append(f"BIN={Path(sys.executable).parent}")
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    told = json.loads(made.read_text(encoding="utf-8"))
    assert told["bomFormat"] == "CycloneDX"
    listed = {canonicalize_name(one["name"]): one["version"] for one in told["components"]}
    assert listed == pins("requirements.txt")


class Weaknesses(BaseHTTPRequestHandler):
    """A database of weaknesses that knows one of Flask, and none of anything else."""

    known: bytes = b"flask"

    def do_POST(self) -> None:
        """One package, as api.osv.dev is asked for it."""
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        affected = [{"package": {"ecosystem": "PyPI", "name": "flask"}, "ranges": [], "versions": []}]
        weak = {"id": "TEST-1", "summary": "weak", "modified": "2026-01-01T00:00:00Z", "affected": affected}
        body = json.dumps({"vulns": [weak]} if b'"%b"' % self.known in asked else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing of it is printed."""


def audited(port: int, cache: Path) -> tuple[int, str]:
    """How `make audit` ends with the database at this port, and what it prints."""
    options = f"--vulnerability-service osv --osv-url http://127.0.0.1:{port}/ --cache-dir {cache}"
    # Nothing is installed: the tests run in what `make install` made.
    command = ["make", "--no-print-directory", "-o", "install", "audit", f"AUDIT={options}"]
    command.append(f"BIN={Path(sys.executable).parent}")
    environ = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("known", "ends", "says"), [(b"flask", 2, "TEST-1"), (b"none", 0, "knows of no weakness")]
)
def test_known_weaknesses_fail_the_check(known: bytes, ends: int, says: str, tmp_path: Path) -> None:
    handler = type("Handler", (Weaknesses,), {"known": known})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        code, printed = audited(server.server_port, tmp_path)
        server.shutdown()
    assert code == ends and says in printed


def test_a_database_of_weaknesses_that_is_not_there_is_said(tmp_path: Path) -> None:
    code, printed = audited(9, tmp_path)  # discard: nobody listens there
    assert code == 0 and printed.startswith("NOT LOOKED FOR") and len(printed.splitlines()) == 2


def test_the_check_looks_for_weaknesses() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert recipe is not None and "$(MAKE) --no-print-directory audit" in recipe[1]
