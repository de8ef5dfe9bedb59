"""The arrows between the modules, read from their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT

MODULES = sorted((ROOT / "app").rglob("*.py"))
WEB = {
    "flask",
    "flask_login",
    "flask_migrate",
    "flask_sqlalchemy",
    "flask_wtf",
    "wtforms",
    "werkzeug",
}
DATABASE = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}

# What each area may import of the program, by the beginning of the name. Areas not named are free.
ABOVE = ("app.pages", "app.api", "app.cli", "app.serving")
MAY_NOT: dict[str, tuple[str, ...]] = {
    "app.models": ("app",),
    "app.errors": ("app.",),
    "app.database": ("app.",),
    "app.vault": ("app.",),
    "app.access": ("app.",),
    "app.rates": ("app.",),
    "app.audit": ("app.",),
    "app.document": (*ABOVE, "app.forms", "app.formdata", "app.registration", "app.access"),
    "app.forms": (*ABOVE, "app.registration"),
    "app.formdata": (*ABOVE, "app.registration", "app.forms"),
    "app.registration": (*ABOVE, "app.forms", "app.formdata"),
    "app.exchange": ABOVE,
    "app.api": ("app.pages", "app.cli", "app.serving"),
    "app.pages": ("app.api", "app.cli", "app.serving"),
}
EXCEPT: dict[str, set[str]] = {
    "app.errors": {"app.config"},
    "app.database": {"app.models"},
    "app.vault": {"app.config", "app.models"},
    "app.rates": {"app.errors"},
    "app.access": {"app.config", "app.errors", "app.models", "app.rates"},
    "app.audit": {"app.access", "app.models"},
}


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a syntax tree imports, absolute names only; `from app import x` is `app.x`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "app":
                yield from (f"app.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def is_in(name: str, area: str) -> bool:
    """Whether a module is an area or inside of it."""
    return name == area or name.startswith(area.rstrip(".") + ".")


@pytest.mark.parametrize("path", [path for path in MODULES if is_in(name_of(path), "app.probe")], ids=name_of)
def test_the_probe_stands_alone(path: Path) -> None:
    allowed = ("app.probe", "app.model_types")
    for name in imported(tree_of(path)):
        assert name.split(".")[0] not in WEB | DATABASE, f"{name_of(path)} imports {name}"
        assert name.split(".")[0] != "app" or any(is_in(name, area) for area in allowed), name


def test_only_the_client_of_the_probe_imports_requests() -> None:
    users = [
        name_of(path) for path in MODULES if any(is_in(name, "requests") for name in imported(tree_of(path)))
    ]
    assert users in ([], ["app.probe.client"])


@pytest.mark.parametrize("area", MAY_NOT)
def test_imports_point_downwards(area: str) -> None:
    for path in MODULES:
        if is_in(name_of(path), area):
            for name in imported(tree_of(path)):
                if not is_in(name, area) and name not in EXCEPT.get(area, set()):
                    assert not any(is_in(name, other) for other in MAY_NOT[area]), (
                        f"{name_of(path)} imports {name}"
                    )
