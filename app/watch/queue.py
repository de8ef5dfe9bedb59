"""The queue between processes: Huey on SQLite in the instance folder, or on the PostgreSQL of the registry.

A row of its tables never becomes code: tasks are kept as JSON and found by name among those that are known,
with numbers and short texts as arguments.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import psycopg
from huey import Huey, PostgresHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer
from sqlalchemy.engine import make_url

from app.config import Settings
from app.store.database import POSTGRES_OPTIONS

_KEPT = ("id", "name", "eta", "retries", "retry_delay", "priority", "args", "kwargs")
_LONGEST = 100


class NotATask(ValueError):
    """A row of the queue that this program has not put there."""


class JsonTasks(Serializer):  # type: ignore[misc]  # huey has no types
    """Tasks as JSON; anything else in a row is refused."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            return json.dumps(_plain(data)).encode()
        kept = {name: getattr(data, name) for name in _KEPT}
        kept["eta"] = data.eta.isoformat() if data.eta else None
        kept["args"] = [_plain(value) for value in data.args or ()]
        kept["kwargs"] = {}
        return json.dumps(kept).encode()

    def _deserialize(self, data: Any) -> Any:
        try:
            kept = json.loads(bytes(data))
        except ValueError as error:
            raise NotATask("This row of the queue is no JSON.") from error
        if not isinstance(kept, dict):
            return _plain(kept)
        if set(kept) != set(_KEPT) or not isinstance(kept["args"], list):
            raise NotATask("This row of the queue is no task.")
        kept["eta"] = datetime.fromisoformat(kept["eta"]) if kept["eta"] else None
        kept["args"] = tuple(_plain(value) for value in kept["args"])
        return Message(**kept)


def _plain(value: Any) -> Any:
    """A number, a short text or nothing; NotATask for anything else."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) <= _LONGEST:
        return value
    raise NotATask("Only numbers and short texts go through the queue.")


def make_queue(chosen: Settings) -> Huey:
    """The queue of a registry; makes its tables. Results are not kept: what a task did is in the registry."""
    url = make_url(chosen.database)
    common: dict[str, Any] = {"name": "muster", "results": False, "serializer": JsonTasks()}
    if url.get_backend_name() == "sqlite":
        # What is lost with the machine's power is claimed anew from the registry: no need to wait for disks.
        return SqliteHuey(filename=str(chosen.instance / "queue.sqlite"), timeout=30, fsync=False, **common)
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    # Threads ask in turn, as with SQLite. Were they told of each task (`blocking`), every idle one would come
    # for it, and each would hold a connection of its own to be told over.
    with psycopg.connect(dsn, **POSTGRES_OPTIONS) as connection:
        # Of workers that start together one makes the tables: IF NOT EXISTS fails where another is about to.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('muster queue', 0))")
        queue = PostgresHuey(dsn=dsn, blocking=False, **POSTGRES_OPTIONS, **common)
        _write_without_waiting_for_the_disk(connection)
    return queue


def was_emptied(queue: Huey) -> bool:
    """Whether nothing is left in the queue of what was there at the last call, of this worker or another.

    Told by a mark beside the tasks, which is made anew; True as well where there never was one.
    """
    return bool(queue.put_if_empty("mark", 1))


_WAITING_TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE oid IN (to_regclass('huey_task'), to_regclass('huey_schedule'), to_regclass('huey_kv'))
    AND relpersistence = 'p' AND relowner = current_user::regrole
"""


def _write_without_waiting_for_the_disk(connection: psycopg.Connection[Any]) -> None:
    """Take the queue's tables out of the server's log of writes, for the same reason.

    Huey has one connection a process, which its threads use in turn: each would wait for the disk of all.
    After a crash of the server they are empty, which `was_emptied` tells.
    """
    for (table,) in connection.execute(_WAITING_TABLES).fetchall():
        connection.execute(f"ALTER TABLE {table} SET UNLOGGED")
