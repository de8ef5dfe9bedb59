"""What a command says of what it did: a sentence for people, JSON for programs, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from app.probe.console.printing import put

_JSON, _QUIET = "muster.json", "muster.quiet"


def _noted(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def note(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        ctx.meta[name] = value

    return note


json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_noted(_JSON), help="Print JSON instead of text."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, expose_value=False, callback=_noted(_QUIET),
    help="Say only what goes wrong, and what was asked for.",
)  # fmt: skip


def wants_json() -> bool:
    """Whether --json was given."""
    return bool(click.get_current_context().meta.get(_JSON))


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return bool(click.get_current_context().meta.get(_QUIET))


def done(sentence: str, **facts: Any) -> None:
    """Say that something was done: these facts as JSON, the sentence, or nothing with --quiet."""
    if wants_json():
        show_json(facts)
    else:
        say(sentence)


def show_json(value: Any) -> None:
    """Print JSON for a program, with times as RFC 3339 has them."""
    put(json.dumps(value, default=_rfc3339, indent=2, ensure_ascii=False))


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say(sentence: str) -> None:
    """Say a sentence that nobody has to know, unless --quiet was given."""
    if not is_quiet():
        put(sentence)
