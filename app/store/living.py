"""Whether a process that shares this instance folder still lives.

Each one that asks for its mark holds a lock on a file of its own: the system lets go of it when the process
ends, however that happens. A mark without a file here is of another machine, of which nothing can be said.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from flask import current_app

from app.config import settings
from app.store.base import new_id

_FOLDER = "processes"
_KEPT = "muster_process"


def mark(is_needed: Callable[[str], bool]) -> str:
    """What this process is known by, "" where the instance folder can't be written.

    The first call takes away the files of processes that have ended, but for those that are still needed.
    """
    kept: tuple[int, str] | None = current_app.extensions.get(_KEPT)
    # A process that was forked has its parent's memory, and must not be taken for it.
    if kept is None or kept[0] != os.getpid():
        try:
            _tidy(is_needed)
            kept = (os.getpid(), _made())
        except OSError:
            kept = (os.getpid(), "")
        current_app.extensions[_KEPT] = kept
    return kept[1]


def has_ended(mark: str) -> bool:
    """Whether the process of a mark ran in this instance folder and is gone; False where nobody can tell."""
    try:
        with open(_path(mark), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # no such file, or somebody holds it
        return False
    return True


def _made() -> str:
    made = new_id()
    # Never closed: the lock is to last as long as the process.
    fcntl.flock(os.open(_path(made), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), fcntl.LOCK_EX)
    return made


def _tidy(is_needed: Callable[[str], bool]) -> None:
    _folder().mkdir(mode=0o700, exist_ok=True)
    for file in _folder().glob("*.lock"):
        if has_ended(file.stem) and not is_needed(file.stem):
            file.unlink(missing_ok=True)


def _folder() -> Path:
    return settings().instance / _FOLDER


def _path(mark: str) -> Path:
    return _folder() / f"{mark}.lock"
