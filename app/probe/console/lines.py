"""What a probe sees as lines for people: one per check while it runs, then what it concluded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TextIO

import click

from app.probe.console.printing import put
from app.probe.model_types.model_type import ModelType
from app.probe.reliability import Reliability
from app.probe.values import Capability, Check, CheckEnded, CheckStarted, CheckWaiting, Event, Report, Target

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
