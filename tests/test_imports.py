"""The arrows between the packages, read from their syntax trees: a file imports from its own package and from
packages to the right of it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.config import ROOT

Layers = tuple[tuple[str, ...], ...]

PACKAGES: Layers = (
    ("app.cli",),
    ("app.factory",),
    ("app.web",),
    ("app.watch",),
    ("app.registry",),
    ("app.access",),
    ("app.errors", "app.error_codes"),
    ("app.store",),
    ("app.config", "app.config_readers"),
    ("app.operator_error",),
    ("app.probe", "app.practice"),
)
PROBE: Layers = (
    ("app.probe.__main__",),
    ("app.probe.console.command",),
    ("app.probe.console.lines",),
    ("app.probe.console",),
    ("app.probe.run", "app.probe.__init__"),
    ("app.probe.phases", "app.probe.presence"),
    ("app.probe.report",),
    ("app.probe.controls",),
    ("app.probe.diagnosis",),
    ("app.probe.model_types",),
    ("app.probe.proof", "app.probe.tasks"),
    ("app.probe.conversation",),
    ("app.probe.negotiation",),
    ("app.probe.shape",),
    ("app.probe.pasted_input",),
    ("app.probe.reading",),
    ("app.probe.transport",),
    ("app.probe.values", "app.probe.base_url", "app.probe.capabilities"),
    ("app.probe.reliability",),
)
# Who may import the practice endpoint: its key stands on the form and in the console's help.
KNOW_THE_PRACTICE = ("app.web", "app.cli", "app.practice")
NOT_FOR_THE_PROBE = ("flask", "werkzeug", "wtforms", "sqlalchemy", "alembic", "psycopg", "gunicorn")
MOST_MODULES, MOST_LINES = 15, 300
"""What a person takes in at a look: the modules of a package beside its `__init__`, the lines of a module."""
TABLES = (
    "app.probe.reading.wordings",  # a rule a wording of the field
    "app.probe.diagnosis.advice",  # a sentence an advice
    "app.config",  # a line a setting
    "app.store.migrations.versions",  # a migration makes all tables of its step
)
"""Rows that are looked up, not read: they may be longer."""
MODULES = sorted((ROOT / "app").rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a file, `.__init__` included."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports by its absolute name; `from app import x` is `app.x`."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, package: str) -> bool:
    """Whether a name is a package or inside of it."""
    return f"{name}.".startswith(f"{package}.")


def place_of(name: str, layers: Layers) -> int | None:
    """Which layer a name is in."""
    places = (place for place, layer in enumerate(layers) if any(is_in(name, one) for one in layer))
    return next(places, None)


def runs_up(path: Path, layers: Layers) -> list[str]:
    """What a file imports from a package to the left of its own."""
    own = name_of(path)
    place = place_of(own, layers)
    if place is None:
        return []
    return [
        name for name in imported(path) if (there := place_of(name, layers)) is not None and there < place
    ]


@pytest.mark.parametrize("layers", [PACKAGES, PROBE], ids=["packages", "probe"])
def test_imports_run_to_the_right(layers: Layers) -> None:
    wrong = {name_of(path): up for path in MODULES if (up := runs_up(path, layers))}
    assert wrong == {}


def test_every_package_has_its_place() -> None:
    names = [name_of(path) for path in MODULES if path.parent != ROOT / "app" or path.stem != "__init__"]
    assert [name for name in names if place_of(name, PACKAGES) is None] == []
    inside = [name for name in names if is_in(name, "app.probe")]
    assert [name for name in inside if place_of(name, PROBE) is None] == []


def test_only_the_outside_knows_the_practice_endpoint() -> None:
    users = [name_of(path) for path in MODULES if any(is_in(name, "app.practice") for name in imported(path))]
    assert [name for name in users if not any(is_in(name, one) for one in KNOW_THE_PRACTICE)] == []


def test_only_two_clients_import_requests() -> None:
    """The probe's with its connections, which alone sends keys to endpoints, and the command line's."""
    users = [name_of(path) for path in MODULES if any(is_in(name, "requests") for name in imported(path))]
    assert users == [
        "app.cli.api.client",
        "app.probe.transport.client",
        "app.probe.transport.kept_connection",
    ]


@pytest.mark.parametrize("module", ["app.probe.run", "app.practice.server"])
def test_it_stands_alone(module: str) -> None:
    """In a process of its own where Flask and the database can't be imported."""
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in NOT_FOR_THE_PROBE)
    subprocess.run([sys.executable, "-c", f"import sys; {blocked}import {module}"], cwd=ROOT, check=True)


def test_no_package_is_a_heap() -> None:
    """Of the migrations there is one more with every change of the tables."""
    folders = {path.parent for path in MODULES if path.parent.name != "versions"}
    sizes = {folder: len([p for p in folder.glob("*.py") if p.stem != "__init__"]) for folder in folders}
    assert {name_of(folder): size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_no_module_is_a_heap() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    long = {name for name, count in lines.items() if count > MOST_LINES}
    assert {name for name in long if place_of(name, (TABLES,)) is None} == set()
    assert {table for table in TABLES if not any(is_in(name, table) for name in long)} == set()
