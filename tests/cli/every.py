"""Every command of `muster`, run many times in little time: a process that has loaded all forks for each run.

`python -m tests.cli.every` reads lines such as `{"environ": {…}, "out": "pipe", "runs": [[words]…]}`, where
`out` may be "closed" or a path too, and answers each with a line: exit code, output and errors of each run.
They wait 20 ms for a locked database, in place of the half minute that Muster takes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click
from sqlalchemy import Connection, Engine, event

from app.cli import main
from tests import quick_start


def commands(group: click.Group = main, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command that is no group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if isinstance(one, click.Group):
            yield from commands(one, (*words, name))
        else:
            yield (*words, name)


def _run(words: list[str], out: str, environ: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said, _sink(out, printed) as sink:
        child = os.fork()
        if not child:
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (sink, 1), (said.fileno(), 2)):
                os.dup2(source, target)
            os.environ.update(environ)
            _run_to_its_end(words)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"words": words, "code": code, "out": _text(printed), "err": _text(said)}


def _run_to_its_end(words: list[str]) -> NoReturn:
    """Run it as the console script does."""
    code: object = 70
    try:
        main(words, prog_name="muster")
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001  # as Python itself, told by its traceback
        traceback.print_exc()
    quick_start.end(code)


@contextmanager
def _sink(out: str, printed: Any) -> Iterator[int]:
    if out == "pipe":
        yield printed.fileno()
    elif out == "closed":
        reading, writing = os.pipe()
        os.close(reading)
        yield writing
        os.close(writing)
    else:
        with open(out, "wb") as file:
            yield file.fileno()


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", "replace"))


def _is_impatient(connection: Connection) -> None:
    """Have each connection wait for a lock for a short while only."""
    if connection.dialect.name == "sqlite":
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute("PRAGMA busy_timeout=20")


if __name__ == "__main__":
    os.setsid()  # no terminal to ask anything
    event.listen(Engine, "engine_connect", _is_impatient)
    list(commands())  # loads all of them, before the first fork
    for line in sys.stdin:
        asked = json.loads(line)
        ended = [_run(words, asked["out"], asked["environ"]) for words in asked["runs"]]
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()
