"""The probe as a command: a live line per check, then what it concluded. No database, no server.

Exit codes: 0 accepted, 1 rejected, 2 wrong usage, 3 the output can't be written, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing

import click

from app.probe.console.lines import Printer
from app.probe.console.printing import put
from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.model_type import ModelType
from app.probe.pasted_input import SURROUNDING, clean_base_url, clean_key, wrong_with_base_url
from app.probe.reliability import FEWEST, MOST, Repeat
from app.probe.run import run
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import (
    DEPTHS,
    Depth,
    Event,
    Finished,
    Limits,
    Report,
    Target,
    finite,
)

KEY_VARIABLE = "MUSTER_PROBE_KEY"
ACCEPTED, REJECTED, INTERRUPTED = 0, 1, 130


def command(settings: Callable[[], tuple[Limits, EgressRules]]) -> click.Command:
    """The command `probe`, with the limits and address rules that `settings` gives when it runs."""

    @click.command("probe", context_settings={"help_option_names": ["-h", "--help"]})
    @click.argument("base_url")
    @click.argument("model_id")
    @click.option(
        "--type",
        "type_name",
        type=click.Choice([*MODEL_TYPES]),
        default="chat",
        show_default=True,
        help="Model type, which decides what is asked.",
    )
    @click.option(
        "--key-env",
        metavar="NAME",
        help=f"Environment variable that holds the API key. Default: {KEY_VARIABLE}, where it is set.",
    )
    @click.option(
        "--depth",
        type=click.Choice(DEPTHS),
        default="full",
        show_default=True,
        help="proof: leave the capabilities out. deep: read a text as long as the context window too, which "
        "costs that many tokens.",
    )
    @click.option(
        "--repeat",
        type=click.IntRange(FEWEST, MOST),
        metavar="K",
        help=f"Ask the checks named with --checks K times each ({FEWEST} to {MOST}), in place of all of them "
        "once, and tell how often they pass.",
    )
    @click.option("--checks", metavar="NAMES", help="Which to repeat, with commas. Default: tool_calling.")
    @click.option("--declare", metavar="NAME", multiple=True, help="A capability that the model should have.")
    @click.option("--strict", is_flag=True, help="Reject where a declared capability was seen not to work.")
    @click.option("--no-wrong-key", is_flag=True, help="Leave out the call with a wrong key.")
    @click.option(
        "--json", "as_json", is_flag=True, help="Print the report as JSON; live lines go to stderr."
    )
    def probe(
        base_url: str,
        model_id: str,
        type_name: str,
        key_env: str | None,
        depth: Depth,
        repeat: int | None,
        checks: str | None,
        declare: tuple[str, ...],
        strict: bool,
        no_wrong_key: bool,
        as_json: bool,
    ) -> None:
        """Probe MODEL_ID at BASE_URL as a registration does, and print what was seen.

        The API key is read from the environment, never from the command line.
        """
        endpoint = _endpoint(base_url, model_id, key_env)
        model_type = MODEL_TYPES[type_name]
        declared = dict.fromkeys(_known(declare, model_type), True)
        limits, rules = settings()
        printer = Printer(sys.stderr if as_json else sys.stdout)
        printer.heading(endpoint, model_type)
        events = run(
            endpoint,
            model_type,
            declared,
            limits=limits,
            rules=rules,
            depth=depth,
            strict=strict,
            key_control=not no_wrong_key,
            repeat=_repeat(repeat, checks, model_type),
        )
        report = _watched(events, printer)
        if as_json:
            put(json.dumps(finite(report.as_dict()), ensure_ascii=False, indent=2, allow_nan=False))
        else:
            printer.conclusion(report)
        raise SystemExit(ACCEPTED if report.verdict == "accepted" else REJECTED)

    return probe


def _endpoint(base_url: str, model_id: str, key_env: str | None) -> Target:
    url, model = clean_base_url(base_url), model_id.strip(SURROUNDING)
    wrong = wrong_with_base_url(url)
    if wrong:
        raise click.UsageError(f"BASE_URL {wrong}")
    if not model:
        raise click.UsageError("MODEL_ID is empty.")
    if key_env is not None and not os.environ.get(key_env, "").strip():
        state = "empty" if key_env in os.environ else "not set"
        raise click.UsageError(f"The environment variable {key_env} is {state}.")
    return Target(url, clean_key(os.environ.get(key_env or KEY_VARIABLE)) or "", model)


def _known(names: Iterable[str], model_type: ModelType) -> Iterator[str]:
    for name in names:
        if name not in model_type.capabilities:
            known = ", ".join(model_type.capabilities) or "none"
            raise click.UsageError(
                f"{name} is no capability of the type {model_type.name}; those are: {known}."
            )
        yield name


def _repeat(times: int | None, names: str | None, model_type: ModelType) -> Repeat | None:
    if times is None:
        if names is not None:
            raise click.UsageError("--checks says what to repeat: say how often with --repeat.")
        return None
    asked = tuple(dict.fromkeys((names or "tool_calling").replace(" ", "").split(",")))
    unknown = [name for name in asked if name not in model_type.repeatable]
    if unknown:
        known = ", ".join(model_type.repeatable) or "none"
        raise click.UsageError(
            f"{unknown[0]} can't be repeated for the type {model_type.name}; those are: {known}."
        )
    return Repeat(times, asked)


def _watched(events: Generator[Event, None, None], printer: Printer) -> Report:
    """Print events as they come; gives the report. An interrupt ends the probe and the program."""
    try:
        with closing(events):
            for event in events:
                if isinstance(event, Finished):
                    return event.report
                printer.event(event)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise SystemExit(INTERRUPTED) from None
    raise AssertionError("a probe ends in exactly one report")
