"""The probe as a command: a live line per check, then what it concluded. No database, no server.

Exit codes: 0 accepted, 1 rejected, 2 wrong usage, 3 the output can't be written, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TextIO

import click

from app.probe import run
from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.model_type import ModelType
from app.probe.pasted_input import SURROUNDING, clean_base_url, clean_key, wrong_with_base_url
from app.probe.printing import put
from app.probe.reliability import FEWEST, MOST, Reliability, Repeat
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import (
    DEPTHS,
    Capability,
    Check,
    CheckEnded,
    CheckStarted,
    CheckWaiting,
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
_SIGNS: Mapping[str, tuple[str, str, str]] = {
    "passed": ("✓", "+", "green"),
    "failed": ("✗", "x", "red"),
    "inconclusive": ("?", "?", "yellow"),
    "skipped": ("–", "-", "bright_black"),
    "started": ("…", ".", "bright_black"),
    "waiting": ("…", ".", "yellow"),
    "accepted": ("✓", "+", "green"),
    "rejected": ("✗", "x", "red"),
    "warning": ("!", "!", "yellow"),
}
"""Sign, the same in ASCII, and colour; the word always stands beside them."""
_ANSWERS: Mapping[bool | None, str] = {True: "yes", False: "no", None: "not told"}
_DECLARED: Mapping[bool | None, str] = {True: "yes", False: "no", None: "-"}


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


class Printer:
    """Writes lines for people to a stream; colours only where it is a terminal and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._colours = stream.isatty() and not plain
        self._plain = not _takes_signs(stream)

    def heading(self, endpoint: Target, model_type: ModelType) -> None:
        """What is probed."""
        key = "with a key" if endpoint.api_key else "without a key"
        self._line(f"Probing {endpoint.model_id} ({model_type.label}) at {endpoint.base_url} {key}")

    def event(self, event: Event) -> None:
        """One line as a check begins, waits or ends."""
        if isinstance(event, CheckStarted):
            self._line(f"  {self._status('started')}  {event.name}")
        elif isinstance(event, CheckWaiting):
            seconds = f"{event.seconds:g} s, " if event.seconds else ""
            self._line(f"  {self._status('waiting')}  {event.name}: {seconds}{event.reason}")
        elif isinstance(event, CheckEnded):
            self._ended(event.check)

    def conclusion(self, report: Report) -> None:
        """Capabilities, warnings, cost, and the verdict with its reason at last."""
        if report.reliability:
            self._reliability(report.reliability)
        else:
            self._capabilities(report.capabilities)
        for warning in report.warnings:
            self._line(f"\n{self._status('warning')}  {warning.code}\n  {warning.message}")
        used = report.usage
        self._line(
            f"\n{used['calls']} calls, {used['prompt_tokens']} tokens in, {used['completion_tokens']} out, "
            f"{report.duration_ms / 1000:.2f} s"
        )
        self._verdict(report)

    def _ended(self, check: Check) -> None:
        took = f"{check.duration_ms / 1000:.2f} s" if check.duration_ms is not None else ""
        call = " ".join(
            str(part) for part in (check.method, check.path, check.http_status) if part is not None
        )
        self._line(f"  {self._status(check.status)}  {check.name:<22} {took:>8}  {call}")
        for words in (check.evidence, *(f"adapted: {words}" for words in check.adaptations)):
            if words:
                self._line(f"{'':19}{words}")

    def _capabilities(self, capabilities: Mapping[str, Capability]) -> None:
        if capabilities:
            self._line(f"\n  {'capability':<28} {'declared':<10} observed")
        for name, seen in capabilities.items():
            colour = {True: "green", False: "red", None: "yellow"}[seen.observed]
            answer = self._coloured(_ANSWERS[seen.observed], colour)
            self._line(f"  {name:<28} {_DECLARED[seen.declared]:<10} {answer}")

    def _reliability(self, repeated: Iterable[Reliability]) -> None:
        for one in repeated:
            told = one.as_dict()
            low, high = told["interval"]
            self._line(f"\n  {one.check}: {one.passed} of {one.runs} passed ({low:.0%} to {high:.0%})")
            for k, estimate in told["pass_hat"].items():
                low, high = estimate["interval"]
                self._line(f"    pass^{k}  {estimate['estimate']:.0%} ({low:.0%} to {high:.0%})")
            for kind, count in one.errors.items():
                self._line(f"    {count} x {kind.replace('_', ' ')}")
            if one.example:
                self._line(f"    such as: {one.example}")

    def _verdict(self, report: Report) -> None:
        found = report.diagnosis
        about = f"  {found.code}" + (f" ({found.field})" if found.field else "") if found else ""
        self._line(f"\n{self._status(report.verdict)}{about}")
        if found:
            self._line(f"  {found.message}")
            for field, values in found.suggestions.items():
                self._line(f"  Try {field}: {', '.join(values)}")

    def _status(self, word: str) -> str:
        sign, plain, colour = _SIGNS[word]
        return self._coloured(f"{plain if self._plain else sign} {word:<12}", colour)

    def _coloured(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour) if self._colours else text

    def _line(self, text: str) -> None:
        if self._plain:
            encoding = self._stream.encoding or "ascii"
            text = text.encode(encoding, "replace").decode(encoding)
        put(text.rstrip(" "), file=self._stream, color=self._colours)


def _takes_signs(stream: TextIO) -> bool:
    """Whether a stream can write the signs; a terminal of another encoding gets ASCII."""
    try:
        "✓✗–…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
