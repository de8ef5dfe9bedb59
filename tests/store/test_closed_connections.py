"""What the pool does with connections that PostgreSQL closed while nobody used them."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy import literal, make_url, select, text

from app.factory import create_app
from app.store import database
from app.store.base import db


def test_a_connection_that_the_server_closed_is_replaced(postgres_url: str, tmp_path: Path) -> None:
    """As all are whose server was restarted: who comes next does not notice."""
    url = make_url(postgres_url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    app = create_app({"instance": tmp_path, "database_url": url})
    with app.app_context():
        with db.engine.connect() as connection:
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid]).fetchone() == (True,)
        assert database.row_of(select(literal(1)), {}) == (1,)
        database.let_go()
