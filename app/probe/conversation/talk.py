"""One probe's talk with one endpoint: what every call of it shares.

The `Conversation` holds the endpoint, the client with its deadlines, the shape learned so far, the budget of
tokens and the words drawn at random for this run. It makes single calls and patient ones; it judges nothing.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.probe.base_url import Base
from app.probe.conversation.budget import Budget
from app.probe.conversation.request import Request
from app.probe.conversation.waiting import meant, teaches, waits_at_most
from app.probe.reading.completion.whole import tokens
from app.probe.reading.meaning import Judgement, meaning_of, worth_waiting
from app.probe.reading.redaction import cleaned
from app.probe.reading.refusal import Refusal, printable, read_refusal
from app.probe.shape import Shape
from app.probe.transport.answer import Answer, parsed
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation
from app.probe.values import CheckWaiting, Depth, Event, Limits, Sampling, Target

_WORDS = (
    "amber",
    "basalt",
    "cedar",
    "dahlia",
    "ember",
    "falcon",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "kestrel",
    "lantern",
    "marble",
    "nectar",
    "opal",
    "pepper",
    "quartz",
    "raven",
    "saffron",
    "timber",
    "umber",
    "velvet",
    "willow",
    "yarrow",
    "zephyr",
    "birch",
    "cobalt",
    "dune",
    "fjord",
    "glacier",
)


@dataclass(slots=True)
class Conversation:
    """See the module. `emit` takes events at once; `deadline` is on the monotonic clock."""

    endpoint: Target
    base: Base
    client: Client
    limits: Limits
    deadline: float
    emit: Callable[[Event], None]
    declared: Mapping[str, bool | None]
    shape: Shape = field(default_factory=Shape)
    depth: Depth = "full"
    rng: random.Random = field(default_factory=random.SystemRandom)
    hold_until: float = 0.0
    cancelled: Cancellation = field(default_factory=Cancellation)
    observed: dict[str, Any] = field(default_factory=dict)
    catalog_metadata: Mapping[str, Any] = field(default_factory=dict)
    sampling: Sampling | None = None
    """What the proof asks in place of its own prompt."""
    listed: bool | None = None
    """Whether the endpoint's list holds the id, once the list was read."""
    early: dict[str, tuple[Request, Answer]] = field(default_factory=dict)
    """What was asked beside the proof for a check whose turn comes later, by its name."""
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits.tokens)

    def word(self) -> str:
        """A plain word that an answer would hardly hold by chance."""
        return f"{self.rng.choice(_WORDS)}{self.rng.choice(_WORDS)}"

    def ask(
        self,
        request: Request,
        *,
        key: str | None = None,
        base: Base | None = None,
        until: float | None = None,
        stop: Callable[[bytes], bool] | None = None,
    ) -> Answer:
        """One call. `key` replaces the endpoint's, `base` its base URL, `until` (monotonic) bounds it."""
        body, content_type = request.encoded_form()
        call = Call(
            method=request.method,
            url=(base or self.base).url(request.route),
            json=request.body,
            body=body,
            content_type=content_type,
            key=self.endpoint.api_key if key is None else key,
            timeout_s=max(0.2, min(self.deadline, until or math.inf) - time.monotonic()),
            stop=stop or _ends_stream,
        )
        answer = self.client.converse(call, request.script) if request.script else self.client.send(call)
        self._count(answer)
        return cleaned(answer)

    def ask_patiently(
        self, name: str, request: Request, until: float, *, patient: bool = True, **how: Any
    ) -> tuple[Answer, Refusal, Judgement]:
        """Ask, and where one look is no verdict, wait as told and ask again until `until` (docs/probe.md,
        "Finding out").

        Gives back the last answer with its words and their meaning; of two failures the one that came with
        words. Waits are events. Where it is not `patient`, one look is enough.
        """
        answer, refusal = self.ask_in_time(name, request, until, patient=patient, **how)
        return answer, refusal, meant(refusal, request)

    def ask_in_time(
        self, name: str, request: Request, until: float, *, patient: bool = True, **how: Any
    ) -> tuple[Answer, Refusal]:
        """The same for who judges the answer itself: what a good answer's words mean is not looked up, which
        in the chunks of a long stream would cost more than all the rest of a check."""
        pause, waits = 0.5, 0
        before: tuple[Answer, Refusal] | None = None
        while True:
            self._hold(until)
            answer = self.ask(request, until=until, **how)
            refusal = read_refusal(answer)
            if answer.failure and before:
                return before  # an engine that dies says so once, and hangs up from then on
            if answer.failure or not patient or not _is_refused(answer, refusal):
                return answer, refusal
            judgement = meaning_of(refusal)
            # A router will never have a deployment of an id that it does not even list.
            gone = judgement.advice == "deployments" and self.listed is False
            if gone or not worth_waiting(refusal, judgement) or teaches(refusal, request):
                return answer, refusal
            before = answer, refusal
            # At its own pace first, then ever slower: it may say "in a second" for as long as one asks.
            told = refusal.retry_after_s
            seconds = max(told, pause if waits else 0.05) if told is not None else pause
            waits += 1
            in_time = waits <= waits_at_most(refusal, judgement) and time.monotonic() + seconds <= until - 0.1
            if not in_time or not self.limits.wait_s or self.cancelled.is_set():
                return answer, refusal
            seconds = min(seconds, self.limits.wait_s)
            self.emit(
                CheckWaiting(name, round(seconds, 1), printable(refusal.text, self.endpoint.api_key, 120))
            )
            if judgement.meaning == "rate_limited":
                self.hold_until = max(self.hold_until, time.monotonic() + seconds)
            self.cancelled.wait(seconds)
            pause = min(pause * 2, self.limits.wait_s)

    def _hold(self, until: float) -> None:
        """Where the endpoint has just said that it limits calls, no other check asks before the time
        it gave.
        """
        seconds = min(self.hold_until, until) - time.monotonic()
        if seconds > 0:
            self.cancelled.wait(seconds)

    def _count(self, answer: Answer) -> None:
        usage = _usage_of(answer)
        self.budget.count(
            tokens(usage, "prompt_tokens") or tokens(usage, "input_tokens") or 0,
            tokens(usage, "completion_tokens") or tokens(usage, "output_tokens") or 0,
        )


def _usage_of(answer: Answer) -> Mapping[str, Any]:
    whole = answer.json
    if isinstance(whole, Mapping):
        return whole["usage"] if isinstance(whole.get("usage"), Mapping) else {}
    found: dict[str, Any] = {}
    for _, text in answer.events if answer.status else ():
        if '"usage"' in text:
            piece = parsed(text)
            if isinstance(piece, Mapping) and isinstance(piece.get("usage"), Mapping):
                found.update({name: value for name, value in piece["usage"].items() if value is not None})
    return found


def _is_refused(answer: Answer, refusal: Refusal) -> bool:
    return not answer.ok or refusal.is_error or refusal.is_html


def _ends_stream(body: bytes) -> bool:
    """Reading ends at `[DONE]`: some servers keep the connection open after it."""
    return body[-40:].rstrip().endswith(b"[DONE]")
