"""`muster worker`: a process that looks at models, and the one that `muster serve` keeps running."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields

import click

from app.cli.application import opened_app, warn_of_another_ring
from app.cli.serving import tracing
from app.config import Settings, variable
from app.practice.parent import end_with
from app.watch.engine import Watcher

log = logging.getLogger("muster.watch")
_AGAIN_AFTER_S = 5.0
_ENDS_WITHIN_S = 6.0


@click.command()
@click.option(
    "--threads", type=click.IntRange(1, 256), help="Looks at once, instead of MUSTER_WATCH_THREADS."
)
@click.option("--parent", type=int, hidden=True, help="End when the process with this id does.")
def worker(threads: int | None, parent: int | None) -> None:
    """Look at models until Ctrl-C. Any number may run, on any machine with the same PostgreSQL."""
    if parent is not None:
        end_with(parent)  # a web server that is killed leaves no watcher behind
    with opened_app() as app:
        chosen: Settings = app.config["MUSTER"]
        warn_of_another_ring()
        tracing.start(app)
        Watcher(app).run(threads or chosen.watch_threads)


@contextmanager
def watcher(chosen: Settings) -> Iterator[None]:
    """A worker as a child that ends with the block, and is started again where it ends before."""
    if not chosen.watch_seconds:
        yield
        return
    ending = threading.Event()
    keeper = threading.Thread(target=_keep, args=(_environment_of(chosen), ending), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        keeper.join(_ENDS_WITHIN_S)


def _keep(environment: Mapping[str, str], ending: threading.Event) -> None:
    command = [sys.executable, "-m", "app.cli", "worker", "--parent", str(os.getpid())]
    while not ending.is_set():
        # A session of its own: Ctrl-C in the terminal is for the parent, which ends the child.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
        while child.poll() is None and not ending.wait(0.2):
            pass
        if ending.is_set():
            _end(child)
        elif not ending.wait(_AGAIN_AFTER_S):
            log.warning("the watcher ended with code %s and is started again", child.returncode)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_ENDS_WITHIN_S - 1)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _environment_of(chosen: Settings) -> dict[str, str]:
    """This process's environment, with host and port as the command line had them: its own address is
    never contacted.
    """
    given = {
        row.name: str(getattr(chosen, row.name)) for row in fields(Settings) if row.name in ("host", "port")
    }
    names = {row.name: variable(row) for row in fields(Settings)}
    return dict(os.environ) | {names[name]: value for name, value in given.items()}
