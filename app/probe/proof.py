"""The proof: the cheapest real call of a model type, asked again differently until it works or the answer is
final.

The ladder is bounded (`limits.proof_calls`) and stops at once where the answer is about the key, the quota
or the model. What it learned about the shape of a request is the shape that every later check uses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.probe.base_url import Base
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.negotiation import learn
from app.probe.reading.meaning import FINAL, Judgement, meaning_of
from app.probe.reading.named_fields import complained, names_a_field
from app.probe.reading.refusal import Refusal, read_refusal
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

Suspect = Literal["base", "type"]


@dataclass(frozen=True, slots=True)
class Proven:
    """What an answer proves: a sentence, and what it tells about the model besides."""

    evidence: str
    model: str | None = None
    observed: dict[str, Any] = field(default_factory=dict)
    warning: tuple[str, str] | None = None
    thinks: bool = False
    silent: bool = False
    """The limit ended the answer before it said anything: something used its tokens."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An answer that is almost a proof: `why` it is none, and how to change the shape to ask once more.

    `stands` is what it proves after all where the second look shows no more. `suspect` is what may be wrong
    with what was typed: "base" for the answer of another API, "type" for one that a model of another type
    gives.
    """

    why: str
    again: Callable[[Shape], Shape] | None = None
    stands: Proven | None = None
    suspect: Suspect | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """How a model type is proven: `request` builds the call, `judge` reads the answer.

    `fallbacks` gives further shapes where a refusal teaches nothing; `streams` says whether the route can
    stream.
    """

    route: str
    request: Callable[[Conversation, str, Shape], Request]
    judge: Callable[[Answer, Conversation], Proven | Doubtful | None]
    fallbacks: Callable[[Shape], Iterable[Shape]] = lambda shape: ()
    streams: bool = False
    learn: Callable[[Outcome], Shape | None] = lambda outcome: None
    """What a refusal teaches that only this type knows (another route, an offered voice); asked first."""
    reached: Callable[[Refusal], Proven | None] = lambda refusal: None
    """What a refusal proves that only a model which was reached gives."""

    def look(self, answer: Answer, refusal: Refusal, talk: Conversation) -> Proven | Doubtful | None:
        """What an answer proves, or a refusal."""
        found = self.judge(answer, talk) if answer.answered else None
        return found or (None if answer.failure else self.reached(refusal))


@dataclass(slots=True)
class Outcome:
    """How a proof ended. `shown` is None where it failed; then `said`, `judgement` and `answer` tell why."""

    request: Request
    answer: Answer
    refusal: Refusal
    judgement: Judgement
    shape: Shape
    proven: Proven | None
    stream_seen: bool | None = None
    """False where a streamed attempt was answered with an error or with nothing."""
    calls: int = 0
    why: str = ""
    suspect: Suspect | None = None
    first: Outcome | None = None
    """How the ladder began, where it ended otherwise."""


_FILTERED = (
    "prompt_filtered",
    "A content filter of the endpoint refused the probe's prompts; key and model were accepted. What the "
    "model can do could not be seen: relax the filter for the probe, or declare it by hand.",
)


def prove(
    talk: Conversation,
    proof: Proof,
    *,
    base: Base | None = None,
    model: str | None = None,
    shape: Shape | None = None,
    until: float | None = None,
    calls: int | None = None,
    patient: bool = True,
) -> Outcome:
    """Climb the ladder for one model at one base; without patience nothing is waited for, and no shape is
    guessed. Never raises for what the endpoint does.
    """
    until = until or talk.deadline
    model = talk.endpoint.model_id if model is None else model
    ladder = _Ladder(talk, proof, base, model, until, calls or talk.limits.proof_calls, patient)
    return ladder.climb(shape or talk.shape)


@dataclass(slots=True)
class _Ladder:
    talk: Conversation
    proof: Proof
    base: Base | None
    model: str
    until: float
    bound: int
    patient: bool = True
    calls: int = 0
    tried: set[str] = field(default_factory=set)
    stream_seen: bool | None = None

    def climb(self, shape: Shape) -> Outcome:
        outcome = self._ask(shape)
        first = outcome
        queue: Iterator[Shape] | None = None
        while outcome.proven is None and self.calls < self.bound and time.monotonic() < self.until:
            if outcome.answer.failure and outcome.answer.status is None or self._is_final(outcome):
                break
            following, guessed = self._next(outcome), False
            if following is None:
                queue = queue if queue is not None else self._fallbacks(first)
                following, guessed = next((s for s in queue if self._is_new(s)), None), True
            if following is None:
                break
            outcome = self._ask(following)
            if guessed and outcome.proven:
                outcome = self._unless_passing(first, outcome)
        result = (
            outcome
            if outcome.proven or self._is_final(outcome) or first.refusal.text == "" and not first.why
            else self._telling(first, outcome)
        )
        result.calls, result.stream_seen = self.calls, self.stream_seen
        result.first = first if result is not first else None
        return result

    def _unless_passing(self, first: Outcome, outcome: Outcome) -> Outcome:
        """A guessed shape that works may work because of it, or because the moment has passed: where the
        first words named no field, the first shape is asked once more, and what then works was not forced.
        """
        if complained(first.refusal, first.request.sent) or self.calls >= self.bound:
            return outcome
        self.calls += 1
        until = min(self.until, time.monotonic() + self.talk.limits.check_s)
        answer = self.talk.ask(first.request, base=self.base, until=until)
        refusal = read_refusal(answer)
        verdict = self.proof.look(answer, refusal, self.talk)
        if not isinstance(verdict, Proven):
            return outcome
        return replace(
            first, answer=answer, refusal=refusal, judgement=meaning_of(refusal), proven=verdict, why=""
        )

    def _telling(self, first: Outcome, last: Outcome) -> Outcome:
        """Of two failures the one that says more: a later rung's complaint about our own variant
        tells less, and another route that is missing tells nothing.
        """
        if last.answer.failure and last.answer.status is None:
            return first
        if not last.shape.adaptations or first.refusal.text and _is_missing_beside(last, first):
            return first
        meant, now = first.judgement.meaning, last.judgement.meaning
        if meant == "no_route":
            return first if now in ("no_route", "not_openai_compatible") else last
        if now == "no_route" and names_a_field(first.refusal, first.request.sent):
            return first  # the route was read: what is said without that field tells nothing of it
        return last if meant == "shape" != now else first

    def _ask(self, shape: Shape) -> Outcome:
        request = self.proof.request(self.talk, self.model, shape)
        self.tried.add(_signature(request))
        self.calls += 1
        streaming = bool(request.body and request.body.get("stream"))
        until = self.until if streaming else self.until - self._reserve_s()
        answer, refusal, judgement = self.talk.ask_patiently(
            "proof", request, until, patient=self.patient, base=self.base
        )
        verdict = self.proof.look(answer, refusal, self.talk)
        if streaming and not isinstance(verdict, Proven) and answer.answered:
            # A stream that was begun and brought an error or nothing: that it streams was seen to be wrong.
            self.stream_seen = False
        outcome = Outcome(request, answer, refusal, judgement, shape, None, self.stream_seen)
        if isinstance(verdict, Proven):
            outcome.proven = verdict
        elif isinstance(verdict, Doubtful):
            return self._once_more(outcome, verdict)
        if outcome.proven is None and judgement.meaning == "filtered" and not shape.plain:
            return self._plainer(outcome)
        return outcome

    def _reserve_s(self) -> float:
        """Time kept for one streamed attempt after all waiting: some endpoints serve nothing else."""
        left = self.until - time.monotonic()
        return min(5.0, left / 8) if self.proof.streams else 0.0

    def _once_more(self, outcome: Outcome, weak: Doubtful) -> Outcome:
        outcome.why, outcome.suspect = weak.why, weak.suspect
        shape = weak.again(outcome.shape) if weak.again and self.calls < self.bound else None
        second = self._ask(shape) if shape is not None and self._is_new(shape) else None
        if second and (second.proven or weak.stands is None or self._is_final(second)):
            return second
        if weak.stands:
            outcome.proven, outcome.why = weak.stands, ""
        return outcome

    def _plainer(self, outcome: Outcome) -> Outcome:
        """A filter was reached with a good key and a known model: ask plainer once, else let the
        proof stand.
        """
        plain = replace(outcome.shape, plain=True)
        if self.calls < self.bound:
            second = self._ask(plain)
            if second.proven or second.judgement.meaning != "filtered":
                return second
        outcome.proven = Proven(
            "The endpoint's content filter answered: key and model were accepted.", warning=_FILTERED
        )
        return outcome

    def _is_final(self, outcome: Outcome) -> bool:
        return (
            outcome.judgement.meaning in FINAL
            and outcome.judgement.by_words
            and not self._learned(outcome)
            or outcome.answer.status in (401, 402, 451)
        )

    def _next(self, outcome: Outcome) -> Shape | None:
        shape = self._learned(outcome)
        return shape if shape is not None and self._is_new(shape) else None

    def _learned(self, outcome: Outcome) -> Shape | None:
        return self.proof.learn(outcome) or learn(outcome.shape, outcome.refusal, outcome.request.sent)

    def _is_new(self, shape: Shape) -> bool:
        return _signature(self.proof.request(self.talk, self.model, shape)) not in self.tried

    def _fallbacks(self, first: Outcome) -> Iterator[Shape]:
        """Shapes to try where the words teach nothing, for refusals that may be about the shape at all."""
        if first.suspect or first.refusal.is_html or not self.patient:
            return
        if first.judgement.meaning in ("shape", "endpoint_error", "not_openai_compatible"):
            yield from self.proof.fallbacks(first.shape)
            if self.proof.streams and not first.shape.stream:
                yield first.shape.because("asked for a stream", stream=True)
        elif first.judgement.meaning == "model_unavailable" and self.proof.streams and first.answer.ok:
            yield first.shape.because("asked for a stream", stream=True)


def _is_missing_beside(last: Outcome, first: Outcome) -> bool:
    """Whether the last route is another than the first, and not there."""
    routes = {outcome.request.route.partition("?")[0] for outcome in (first, last)}
    return len(routes) > 1 and last.judgement.meaning == "no_route"


def _signature(request: Request) -> str:
    return f"{request.method} {request.route} {request.sent!r}"
