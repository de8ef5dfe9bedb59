"""A Python in a process of its own that need not import the program first: it is forked from one that has.

To import it takes a second and more of processor time, for each of the servers and commands that tests start.
What is forked is a process like any other: its environment, streams, signals and exit code are its own, and
its parent is the one that asked for it. Tests of the start itself (how quick it is, what is imported, what
Python is told by variables of its own) use `subprocess`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from app.cli import COMMANDS
from app.store.migrations import revisions

_LONGEST_ORDER = 200_000
_FURTHER = ("app.factory", "gunicorn.workers.gthread", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite")
"""Imported only where they are needed, which is nearly everywhere."""
_SET_CHILD_SUBREAPER = 36  # prctl(2)


class Python(subprocess.Popen[Any]):
    """A Python that runs a module (`-m NAME …`) or a text (`-c TEXT …`), as `subprocess.Popen` starts one.

    Of the variables that Python itself reads only PYTHONUNBUFFERED has an effect.
    """

    def _execute_child(
        self, args: Sequence[str], executable: Any, preexec_fn: Any, close_fds: bool, pass_fds: Any, cwd: Any,
        env: Any, startupinfo: Any, creationflags: int, shell: bool, p2cread: int, p2cwrite: int,
        c2pread: int, c2pwrite: int, errread: int, errwrite: int, restore_signals: bool, gid: Any, gids: Any,
        uid: Any, umask: int, start_new_session: bool, process_group: int,
    ) -> None:  # fmt: skip
        assert args[0] == sys.executable and not (executable or preexec_fn or pass_fds or shell)
        order = {
            "arguments": list(map(str, args[1:])),
            "environ": dict(os.environ if env is None else env),
            "folder": str(cwd or os.getcwd()),
            "session": start_new_session,
            "umask": umask,
        }
        streams = [stream if stream != -1 else at for at, stream in enumerate((p2cread, c2pwrite, errwrite))]
        self.pid = _source().fork(order, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]


def run(
    command: Sequence[str], *, input: str | None = None, timeout: float = 60, check: bool = False,
    capture_output: bool = False, **how: Any,
) -> subprocess.CompletedProcess[Any]:  # fmt: skip
    """What `subprocess.run` does, of a `Python`."""
    if capture_output:
        how |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        how["stdin"] = subprocess.PIPE
    with Python(command, **how) as child:
        try:
            said, complained = child.communicate(input, timeout=timeout)
        except BaseException:
            child.kill()
            raise
    done = subprocess.CompletedProcess(command, child.returncode, said, complained)
    if check:
        done.check_returncode()
    return done


class _Source:
    """The process that has the program imported, and forks."""

    def __init__(self) -> None:
        # Who is forked is given a parent that lives on: us, who wait for it, and not the one that forked it.
        ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._lock = threading.Lock()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        atexit.register(self._end)

    def _end(self) -> None:
        self._line.close()
        self._process.wait()

    def fork(self, order: dict[str, Any], streams: Sequence[int]) -> int:
        """Start what is ordered, with these as its three streams; gives its process id."""
        with self._lock:
            socket.send_fds(self._line, [json.dumps(order).encode()], streams)
            return int(self._line.recv(100))


@cache
def _source() -> _Source:
    return _Source()


def _serve(line: socket.socket) -> None:
    """Fork for each order, until who asks is gone."""
    for name in (*(f"app.cli.{entry.place.split(':')[0]}" for entry in COMMANDS.values()), *_FURTHER):
        import_module(name)
    revisions.known()
    gc.freeze()  # a collection in what is forked would look at all of this, and so copy it
    while True:
        text, streams, _, _ = socket.recv_fds(line, _LONGEST_ORDER, 3)
        if not text:
            return
        told, telling = os.pipe()
        between = os.fork()
        if not between:
            child = os.fork()
            if not child:
                line.close()
                _become(json.loads(text), streams)
            os.write(telling, str(child).encode())
            os._exit(0)
        os.waitpid(between, 0)  # only now the child is of who asked
        line.send(os.read(told, 100))
        for number in (told, telling, *streams):
            os.close(number)


def _become(order: dict[str, Any], streams: Sequence[int]) -> None:
    """Be the ordered Python, to its end."""
    if order["session"]:
        os.setsid()
    if order["umask"] >= 0:
        os.umask(order["umask"])
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 64)
    by_line = 1 if order["environ"].get("PYTHONUNBUFFERED") else -1
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", by_line, encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    kind, what, *arguments = order["arguments"]
    sys.argv, sys.path[0] = [kind, *arguments], order["folder"]
    code: object = None
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            sys.modules["__main__"] = ModuleType("__main__")
            exec(compile(what, "<string>", "exec"), vars(sys.modules["__main__"]))
    except SystemExit as asked:
        code = asked.code
    end(code)  # not within the `except`: generators of the frames where it was raised are to be closed first


def end(code: object) -> NoReturn:
    """End as Python does after `sys.exit(code)`, but for taking all modules apart, which takes longest."""
    if not (code is None or isinstance(code, int)):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as multiprocessing does it
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    os._exit(int(code or 0) & 0xFF)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    end(None)
