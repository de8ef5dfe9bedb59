"""The web workers under gunicorn, the socket that they share, and the practice endpoint beside them."""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.engine import make_url

from app.config import Settings
from app.operator_error import OperatorError
from app.practice.models import KEY as PRACTICE_KEY

__all__ = ["PRACTICE_KEY", "ServeError", "listening", "practice_endpoint", "require_folder", "run", "url_of"]

log = logging.getLogger("muster.start")
_PRIVATE = ("*.sqlite*", "keyring.json", "secret_key")
_PRACTICE_STARTS_WITHIN_S = 10.0
# How long requests may go on after Ctrl-C. A registration that is cut off has saved nothing.
_GRACE_S = 3
# How long one thread may compute while others wait. With Python's own 5 ms a page waits 2 s and more where
# hundreds of probes end at once, with 1 ms one (tests/bench/crowding.py).
_TURN_S = 0.001
_FILES = 65536
# Of glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


class ServeError(OperatorError):
    """Muster can't be served; the text is one sentence for the operator."""


def require_folder(chosen: Settings) -> None:
    """Make the instance folder if need be; ServeError where nothing can be written into it.

    What was open to others of it, and of an embedded database elsewhere, is closed.
    """
    folder, database = chosen.instance, make_url(chosen.database)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        folder.chmod(0o700)
        _close_to_others(folder, _PRIVATE)
        if database.get_backend_name() == "sqlite" and database.database:
            file = Path(database.database).resolve()
            _close_to_others(file.parent, (f"{file.name}*",))
    except OSError as error:
        raise ServeError(
            f"The folder {folder} can't be written ({error.strerror}). "
            "Fix its permissions, or set MUSTER_INSTANCE to another folder."
        ) from error


def _close_to_others(folder: Path, patterns: Sequence[str]) -> None:
    """Take files of a folder, which may hold keys, from all but their owner; say what was open."""
    kept = [file for pattern in patterns for file in folder.glob(pattern) if file.is_file()]
    opened = [file for file in kept if file.stat().st_mode & 0o077]
    for file in opened:
        file.chmod(0o600)
    if opened:
        names = ", ".join(file.name for file in opened)
        log.warning("Others on this machine could read %s in %s. Only the owner can now.", names, folder)


def url_of(host: str, port: int) -> str:
    """The URL of a listening address; a wildcard is reached at localhost."""
    shown = {"0.0.0.0": "localhost", "::": "localhost", "": "localhost"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


@contextmanager
def listening(host: str, port: int, setting: str = "MUSTER_PORT") -> Iterator[socket.socket]:
    """A listening socket, bound before anything else is made; ServeError where that can't be."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServeError(_bind_sentence(host, port, setting, error)) from error
    with bound:
        yield bound


def _bind_sentence(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Stop what runs there, or set {setting} to another port."
    return f"Muster can't listen on {host} port {port} ({error.strerror}). Check MUSTER_HOST and {setting}."


@contextmanager
def practice_endpoint(chosen: Settings) -> Iterator[str | None]:
    """The practice endpoint as a child that ends with the block; its base URL, None if not wanted."""
    if not chosen.practice:
        yield None
        return
    with listening("127.0.0.1", chosen.practice_port, "MUSTER_PRACTICE_PORT"):
        pass  # so that a port in use is said in one sentence
    command = [sys.executable, "-m", "app.practice", "--port", str(chosen.practice_port)]
    command += ["--parent", str(os.getpid())]
    # A session of its own: Ctrl-C in the terminal is for the parent, which ends the child.
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _await_practice(child, chosen.practice_port)
        yield f"http://127.0.0.1:{chosen.practice_port}/v1"
    finally:
        child.terminate()
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _await_practice(child: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PRACTICE_STARTS_WITHIN_S
    while child.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise ServeError(f"The practice endpoint did not start on port {port}. Start without --practice.")


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with options from the settings and not from its own files and variables."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def _leave(_arbiter: Any, _worker: Any) -> None:
    """End a worker whose time is over.

    Python would wait for threads that may sit in a probe for minutes, until gunicorn kills the worker and
    tells of it in alarming words. Whatever such a thread was about has saved nothing yet.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _give_memory_back() -> None:
    """Let what is freed go back to the system, where the C library is glibc; elsewhere nothing changes.

    By itself it gives every few threads a pool of their own, and keeps in each what large answers once took.
    Twenty endpoints that never stop sending (tests/load) made the server grow by 72 MiB; with two pools it
    was 52, and with pieces from 128 KiB on taken from the system one by one less than 50, which is the bound.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, 128 * 1024)


def _allow_many_files() -> None:
    """Take as many open files as the system gives: many give 1,024 at first, and each caller takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run(app: Flask, listener: socket.socket, greeting: str) -> None:
    """Serve until a signal says to end; then the process ends with exit code 0."""
    chosen: Settings = app.config["MUSTER"]
    os.environ.pop("GUNICORN_CMD_ARGS", None)
    _give_memory_back()
    _allow_many_files()
    sys.setswitchinterval(_TURN_S)
    gc.freeze()  # else the collector of each worker copies all that is loaded by now
    options = {
        "bind": f"fd://{os.dup(listener.fileno())}",
        "workers": chosen.workers,
        "worker_class": "app.cli.serving.web_worker.PatientWorker",
        "threads": chosen.threads,
        "worker_connections": chosen.threads + 1000,
        "preload_app": True,
        "keepalive": 30,
        "graceful_timeout": _GRACE_S,
        "timeout": 120,
        "limit_request_line": 8190,
        "proc_name": "muster",
        "loglevel": "warning",
        "control_socket_disable": True,
        "forwarded_allow_ips": "",
        "worker_exit": _leave,
        "when_ready": lambda _arbiter: click.echo(greeting),
    }
    _Gunicorn(app, options).run()
