"""Configuration files that people give to a command: read, with what they include and name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TypeVar

import click

from app.registry.exchange.litellm import config_file

T = TypeVar("T")


def read(file: IO[bytes]) -> tuple[config_file.Config, list[str]]:
    """A file with those that it includes, beside it, and the names of what can't be read; exits with 2."""
    first = parsed(file.read(), config_file.parse)
    named = Path(str(getattr(file, "name", "")))  # standard input may have none
    folder = named.parent if named.is_file() else None
    found, unread, waiting = [first], [], [(folder, name) for name in first.includes]
    seen: set[Path] = set()
    while waiting:
        beside, name = waiting.pop(0)
        path = (beside / name).resolve() if beside else None
        if path is None or not path.is_file():
            unread.append(name)
        elif path not in seen:
            seen.add(path)
            found.append(parsed(path.read_bytes(), config_file.parse))
            waiting += [(path.parent, each) for each in found[-1].includes]
    return config_file.joined(found), unread


def parsed(content: bytes, parse: Callable[[str], T]) -> T:
    """What a file holds, by a function that raises ConfigError; exits with 2 where it holds no such thing."""
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise click.UsageError("The file is not UTF-8 text.") from error
    except config_file.ConfigError as error:
        raise click.UsageError(str(error)) from error


def mapped(env: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` of the command line. No key may stand there: others on this machine could read it."""
    made = dict(each.partition("=")[::2] for each in env)
    for name, value in made.items():
        if not value.startswith(("env://", "http://", "https://")):
            raise click.UsageError(f"--env {name} must be env://VARIABLE or a URL, never a key itself.")
    return made
