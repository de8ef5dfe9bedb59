"""What a command says of what it did: a sentence for people, JSON for programs, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from app.probe.printing import put

_JSON, _QUIET = "muster.json", "muster.quiet"


def _noted(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def note(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        ctx.meta[name] = value

    return note


json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_noted(_JSON), help="Print JSON instead of text."
)
"""For commands that say what they did through `done` and `line`."""
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
        put(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        say(sentence)


def say(sentence: str) -> None:
    """Say a sentence that nobody has to know, unless --quiet was given."""
    if not is_quiet():
        put(sentence)
