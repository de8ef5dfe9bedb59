"""One probe's talk with one endpoint: what every call of it shares.

The `Conversation` holds the endpoint, the client with its deadlines, the shape learned so far, the budget of
tokens and the words drawn at random for this run. It makes single calls and patient ones; it judges nothing.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from app.probe.base_url import Base
from app.probe.budget import Budget
from app.probe.negotiation import learn
from app.probe.reading.completion.whole import tokens
from app.probe.reading.meaning import Judgement, meaning_of, worth_waiting
from app.probe.reading.named_fields import complained, names_a_field
from app.probe.reading.redaction import cleaned, is_secret, secrets_of, without_secrets
from app.probe.reading.refusal import Refusal, printable, read_refusal
from app.probe.shape import Shape
from app.probe.transport.answer import Answer, parsed
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation
from app.probe.transport.websocket import SocketScript
from app.probe.values import Check, CheckWaiting, Depth, Event, Limits, Sampling, Status, Target

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
_SHOWN_VALUE = 2048
"""Longest string that a recorded request repeats whole; a longer one is shortened. The picture of the vision
check fits, so that every check can be repeated by hand.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: a route under the base with a JSON body, a form, or a talk over a WebSocket."""

    route: str
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = field(default=None, repr=False)
    """Values by name; a file is a tuple of its name, its content and its content type."""
    script: SocketScript | None = None
    method: str = "POST"

    @property
    def sent(self) -> Mapping[str, Any]:
        """The fields sent, by name; a file is its name after an `@`, as curl writes it."""
        return {name: _curled(value) for name, value in self.form.items()} if self.form else self.body or {}

    def encoded_form(self) -> tuple[bytes | None, str | None]:
        """The form as it goes over the wire, and its content type; None, None without one."""
        if self.form is None:
            return None, None
        return encode_multipart_formdata({name: _text(value) for name, value in self.form.items()})


def _curled(value: Any) -> Any:
    return f"@{value[0]}" if isinstance(value, tuple) else value


def _text(value: Any) -> Any:
    """What is neither a file nor a text goes as JSON."""
    return value if isinstance(value, str | tuple) else json.dumps(value)


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
            if gone or not worth_waiting(refusal, judgement) or _teaches(refusal, request):
                return answer, refusal
            before = answer, refusal
            # At its own pace first, then ever slower: it may say "in a second" for as long as one asks.
            told = refusal.retry_after_s
            seconds = max(told, pause if waits else 0.05) if told is not None else pause
            waits += 1
            in_time = (
                waits <= _waits_at_most(refusal, judgement) and time.monotonic() + seconds <= until - 0.1
            )
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


_WAITS, _FEW_WAITS = 10, 4
"""How often one call is asked again after a wait: where the endpoint says that later helps, and where it only
answers so now (the page of a bot filter, a gateway's bare 502)."""
_SAY_LATER = frozenset({429, 503, 529})


def _waits_at_most(refusal: Refusal, judgement: Judgement) -> int:
    said = judgement.by_words and judgement.meaning != "bot_filter" or refusal.status in _SAY_LATER
    return _WAITS if said or refusal.retry_after_s is not None else _FEW_WAITS


def meant(refusal: Refusal, request: Request) -> Judgement:
    """What a refusal of this request means."""
    judgement = meaning_of(refusal)
    if judgement.meaning in ("no_route", "wrong_model_type") and names_a_field(refusal, request.sent):
        # Who complains of a field has read it: route and type are right.
        return Judgement("shape", "base_url", judgement.by_words)
    return judgement


_PASSING = frozenset({408, 409, 425, 429})
"""Of the 4xx, those that speak of the moment: the others stay as long as the request does."""


def _teaches(refusal: Refusal, request: Request) -> bool:
    """Whether a refusal says what is wrong with the request: gateways wrap that in words of an outage
    ("Provider returned error"), and no waiting changes it.
    """
    if refusal.status is None or not 400 <= refusal.status < 500 or refusal.status in _PASSING:
        return False
    return bool(complained(refusal, request.sent)) or learn(Shape(), refusal, request.sent) is not None


def _ends_stream(body: bytes) -> bool:
    """Reading ends at `[DONE]`: some servers keep the connection open after it."""
    return body[-40:].rstrip().endswith(b"[DONE]")


def shown(body: Any) -> Any:
    """A request's body as the report keeps it: long strings (an image, audio) shortened, nothing else
    changed.
    """
    if isinstance(body, str):
        return body if len(body) <= _SHOWN_VALUE else body[:80] + f"…({len(body)} characters)"
    if isinstance(body, Mapping):
        return {name: shown(value) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [shown(value) for value in body]
    return body


def check_of(
    name: str,
    status: Status,
    request: Request,
    answer: Answer | None,
    evidence: str,
    talk: Conversation,
    adaptations: tuple[str, ...] = (),
) -> Check:
    """The record of a call as a check of the report, cleaned of the key."""
    return Check(
        name=name,
        status=status,
        method=request.method,
        path=f"{talk.base.path}{request.route}",
        http_status=answer.status if answer else None,
        duration_ms=answer.duration_ms if answer else None,
        first_byte_ms=answer.first_byte_ms if answer else None,
        evidence=printable(evidence),
        adaptations=adaptations,
        request=_without_secrets(shown(request.sent), talk)
        if request.body is not None or request.form
        else None,
    )


def _without_secrets(body: Any, talk: Conversation) -> Any:
    """A second turn repeats what the endpoint said: a key that came in pieces of a stream is whole there.

    The text of all is looked at first, since hardly any holds one, and text by text takes ten times as long.
    """
    secrets = tuple(filter(is_secret, secrets_of(talk.endpoint.api_key, talk.endpoint.settings)))
    text = json.dumps(body, ensure_ascii=False)
    return body if without_secrets(text, secrets) == text else _keyless(body, secrets)


def _keyless(body: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(body, str):
        return without_secrets(body, secrets)
    if isinstance(body, Mapping):
        return {name: _keyless(value, secrets) for name, value in body.items()}
    return [_keyless(value, secrets) for value in body] if isinstance(body, list | tuple) else body
