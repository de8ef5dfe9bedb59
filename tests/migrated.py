"""An empty, migrated SQLite file, made once in a process: copying it is quicker than migrating again."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from app.factory import create_app
from app.store import database
from app.store.migrations import revisions


def migrate(folder: Path, url: str) -> None:
    """Bring this database to the newest revision; `folder` is for what else an instance keeps."""
    with create_app({"instance": folder, "database_url": url}).app_context():
        revisions.upgrade_database()
        database.let_go()


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.sqlite"
        migrate(Path(folder), f"sqlite:///{path}")
        return path.read_bytes()


def put_sqlite(path: Path) -> None:
    """Put an empty, migrated database at this path, as a start makes it: for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(_template())
