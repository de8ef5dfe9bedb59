"""Printing where that may fail: onto a full disk, or to a reader that is gone."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import IO, Any

import click


class Unwritable(click.ClickException):
    """The output can't be written: an exit code of its own, and a sentence unless nobody reads."""

    exit_code = 3

    def __init__(self, error: OSError) -> None:
        super().__init__(f"The output can't be written ({error.strerror}).")
        self._closed = error.errno == errno.EPIPE

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it on standard error, if that can be written. Who closed a pipe, as `head` does, knows."""
        if not self._closed:
            with suppress(OSError):
                super().show(file)


def put(
    text: str | bytes, *, nl: bool = True, file: IO[Any] | None = None, color: bool | None = None
) -> None:
    """Print at once, to standard output unless told; Unwritable where it can't be."""
    try:
        click.echo(text, file=file, nl=nl, color=color)
    except OSError as error:
        _give_up(file or sys.stdout)
        raise Unwritable(error) from error


def machine_fault(error: OSError) -> click.ClickException:
    """What the machine refused, as the one sentence that a command ends with."""
    if error.filename is None:
        _give_up(sys.stdout)
        return Unwritable(error)
    return click.ClickException(f"{error.filename} can't be used ({error.strerror}).")


def _give_up(stream: IO[Any]) -> None:
    """Lead a stream nowhere: what it holds still would fail once more, with a traceback, at the very end."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
