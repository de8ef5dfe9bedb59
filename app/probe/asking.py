"""How the asks of a chat model are put: together first, and what that does not show alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.probe.asks import Ask, Draft, Finding, Heard, draft_of, estimated_tokens
from app.probe.client import Answer
from app.probe.conversation import Request, Run, check_of
from app.probe.diagnosis import Judgement
from app.probe.negotiation import complained
from app.probe.spoken import Spoken, listen, tokens
from app.probe.types import Check, Status
from app.probe.wordings import any_of
from app.probe.words import Said, quote

_TIMED_MS = 50
"""Milliseconds after the first token that a stream must last to tell a speed."""

NO_BUDGET = "Not asked: the probe's limit of tokens is reached."


@dataclass(frozen=True, slots=True)
class Result:
    """What a task of the second phase found, its record, and the tasks that follow from it."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    then: tuple[Task, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work beside others: the names of the checks it answers, and the function that does it."""

    names: tuple[str, ...]
    work: Callable[[Run], Result]


def tasks_for(bundles: Sequence[Sequence[Ask]]) -> tuple[Task, ...]:
    """A task for each bundle."""
    return tuple(
        Task(tuple(ask.name for ask in asks), partial(ask_together, asks=tuple(asks))) for asks in bundles
    )


def ask_together(run: Run, asks: tuple[Ask, ...]) -> Result:
    """One call for several asks; only what it shows counts, the others are asked alone.

    An ask that stands in several bundles has to be shown by each of them: tools that work in a stream may be
    broken without one, and the reverse.
    """
    if len(asks) == 1:
        return ask_alone(run, asks[0])
    draft = draft_of(run, asks)
    request = draft.request(run)
    spoken, answer = _put_once(run, asks, draft, request)
    shown: dict[str, str] = {}
    if spoken is not None and answer is not None:
        judged = {ask.name: ask.judge(Heard(answer, spoken, draft)) for ask in asks}
        shown = {name: evidence for name, (observed, evidence) in judged.items() if observed}
        run.missed.update(name for name, (observed, _) in judged.items() if observed is False)
    settled = {ask.name for ask in asks if run.last_witness(ask.name, shown.get(ask.name))}
    proven = [name for name in shown if name in settled and name not in run.doubted]
    return Result(
        findings=tuple(Finding(name, True, run.witnessed[name]) for name in proven),
        checks=tuple(check_of(name, "passed", request, answer, run.witnessed[name], run) for name in proven),
        then=tasks_for([[ask] for ask in asks if ask.name in settled and ask.name not in proven]),
    )


def _put_once(
    run: Run, asks: tuple[Ask, ...], draft: Draft, request: Request
) -> tuple[Spoken | None, Answer | None]:
    reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
    if not run.reserve(reserved):
        return None, None
    try:
        until = time.monotonic() + run.limits.check_s
        answer, _ = run.ask_in_time(asks[0].name, request, until)
    finally:
        run.release(reserved)
    spoken = _listened(answer)
    note(run, spoken, answer)
    return spoken, answer


def _listened(answer: Answer) -> Spoken | None:
    """What the model said, where that can be judged: not of an answer that an error ended or stands for."""
    spoken = listen(answer) if answer.status is not None and 200 <= answer.status < 300 else None
    if spoken and spoken.has_error and (spoken.end == "error" or not (spoken.said_something or spoken.end)):
        return None
    return spoken


def note(run: Run, spoken: Spoken | None, answer: Answer) -> None:
    """Every answer is evidence for or against reasoning, and every stream tells the model's speed."""
    if spoken is None:
        return
    if spoken.streamed and spoken.deltas > 1 and "first_token_ms" not in run.performance:
        run.performance |= _speed(spoken, answer)
    if spoken.thinks and not run.thinks:
        run.thinks, run.thought = True, "The usage counts reasoning tokens."
        if spoken.reasoning.strip():
            run.thought = f"The model reasoned: {spoken.reasoning[:60]}"
    if spoken.said_something and not spoken.cut:
        run.whole_answers += 1


def _speed(spoken: Spoken, answer: Answer) -> dict[str, Any]:
    """Milliseconds to the first token, and tokens a second after it where there was a stream to time."""
    if spoken.first_token_ms is None:
        return {}
    used, span_ms = tokens(spoken.usage, "completion_tokens"), answer.duration_ms - spoken.first_token_ms
    timed = used is not None and used > 4 and span_ms >= _TIMED_MS
    return {
        "first_token_ms": spoken.first_token_ms,
        "output_tokens_per_s": round((used or 0) * 1000 / span_ms, 1) if timed else None,
    }


@dataclass(frozen=True, slots=True)
class _Put:
    """One ask as it was put alone, and what came; `spoken` only where the model said what can be judged."""

    draft: Draft
    answer: Answer
    said: Said
    judgement: Judgement
    spoken: Spoken | None
    named: tuple[str, ...]
    """The fields of the request that the endpoint complained of."""


@dataclass(slots=True)
class _Alone:
    """One ask on its own: how its next request differs from the first, and whether that is the same again."""

    run: Run
    ask: Ask
    until: float
    dropped: tuple[str, ...] = ()
    larger: int = 0
    repeated: bool = False
    otherwise: bool = False
    right: int = 0

    def next(self) -> tuple[Draft, Request]:
        """What is to be sent."""
        draft = draft_of(self.run, [self.ask])
        draft.limit = max(draft.limit, self.larger)
        if self.ask.otherwise and self.otherwise:
            self.ask.otherwise.change(draft)
        request = draft.request(self.run)
        if self.dropped and request.body:
            request = replace(request, body={n: v for n, v in request.body.items() if n not in self.dropped})
        return draft, request

    def put(self, draft: Draft, request: Request) -> _Put | None:
        """Send it; None where no tokens are left for that."""
        reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
        if not self.run.reserve(reserved):
            return None
        try:
            answer, said, judgement = self.run.ask_patiently(self.ask.name, request, self.until)
        finally:
            self.run.release(reserved)
        spoken = _listened(answer)
        return _Put(draft, answer, said, judgement, spoken, complained(said, request.body or {}))

    def mend(self, put: _Put, observed: bool | None) -> bool:
        """Change the next request by what came of this one; False where there is nothing to change."""
        if put.spoken is not None:
            short = observed is None and put.spoken.cut and not self.run.shape.fixed_limit
            if not short or self.larger:
                return False
            self.larger = put.draft.limit * 3
            return True
        if self._has_other_way(put):
            self.otherwise = True
            return True
        others = tuple(name for name in put.named if name not in self.ask.fields)
        again = self.ask.role and put.answer.status == 500 and not self.repeated and not others
        self.dropped += others
        self.repeated = self.repeated or again
        return bool(others) or again

    def _has_other_way(self, put: _Put) -> bool:
        other = None if self.otherwise else self.ask.otherwise
        refused = put.answer.status in _OF_THE_REQUEST and not put.answer.failure
        return bool(other and refused and other.words.search(put.said.all))

    def may_be_chance(self) -> bool:
        """Count a right answer; whether, after a wrong one, it takes more of them."""
        self.right += 1
        return self.ask.name in self.run.missed and self.right < self.ask.looks

    def result(
        self, status: Status, request: Request, answer: Answer | None, observed: bool | None, evidence: str
    ) -> Result:
        """What is told of the ask, with what was left out on the way."""
        changed = tuple(f"left out `{name}`" for name in self.dropped)
        if self.otherwise and self.ask.otherwise:
            changed += (self.ask.otherwise.how,)
        check = check_of(self.ask.name, status, request, answer, evidence, self.run, changed)
        return Result((Finding(self.ask.name, observed, check.evidence),), (check,))


def ask_alone(run: Run, ask: Ask) -> Result:
    """One ask in a call that changes one thing of the proof's own; up to three, each mended by the last."""
    return _settled(_Alone(run, ask, time.monotonic() + run.limits.check_s), 3)


def _settled(alone: _Alone, tries: int) -> Result:
    draft, request = alone.next()
    put = alone.put(draft, request)
    if put is None:
        return alone.result("skipped", request, None, None, NO_BUDGET)
    observed, evidence = _seen(alone, put)
    if observed and alone.may_be_chance():
        if tries > 1:
            return _settled(alone, tries - 1)
        observed, evidence = None, f"Right once, wrong once: that may be chance. {evidence}"
    if tries > 1 and alone.mend(put, observed):
        return _settled(alone, tries - 1)
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    return alone.result(status, request, put.answer, observed, evidence)


def _seen(alone: _Alone, put: _Put) -> tuple[bool | None, str]:
    if put.spoken is None:
        return _refusal(alone, put)
    note(alone.run, put.spoken, put.answer)
    observed, evidence = alone.ask.judge(Heard(put.answer, put.spoken, put.draft))
    if observed is False and put.spoken.held_back:
        return None, f"Could not be told, since the answer was filtered or refused. {evidence}"
    return observed, evidence


_OF_THE_REQUEST = frozenset(range(400, 500)) - {401, 402, 408, 413, 429} | {200, 500, 501}
"""Statuses that a refusal of a part of the request has come with."""
_THIS_PICTURE = any_of(
    r"(image|picture)\b.{0,40}\b(dimensions?|size|width|height|resolution)\b.{0,40}(at least|minimum|must)",
    r"(image|picture) (is )?too (small|large)",
    r"(failed|unable|could not|cannot) (to )?(download|fetch)\b.{0,40}(image|multi.?modal|media|url)",
)
"""Words of a server that takes pictures, and not this one."""
_OF_ITS_SHAPE = frozenset({400, 404, 405, 406, 415, 422, 424, 501})


def _refusal(alone: _Alone, put: _Put) -> tuple[bool | None, str]:
    """A refusal of what was asked is false; an error of another kind is null."""
    ask, status = alone.ask, put.answer.status or 0
    if put.answer.failure:
        return _broken_off(ask, put.answer)
    words = quote(put.said, alone.run.endpoint.api_key) or "no words"
    if ask.name == "streaming" and 200 <= status < 300:
        return False, f"The stream brought an error or nothing: {words}"
    if put.judgement.meaning == "filtered":
        return None, f"Could not be told, since a content filter refused the prompt: {words}"
    about = not set(put.named).isdisjoint(ask.fields) or any(word in put.said.all for word in ask.words)
    if about and _THIS_PICTURE.search(put.said.all):
        return None, f"Could not be told, since it is about this picture: {words}"
    if about and status in _OF_THE_REQUEST:
        return False, f"Refused with {status}: {words}"
    if status in _OF_ITS_SHAPE and put.judgement.meaning in ("shape", "no_route"):
        observed = None if about_something_else(put.said) else False
        return observed, f"Refused with {status}, and the same call without it works: {words}"
    if status == 500 and alone.repeated and not put.judgement.by_words:
        return False, f"Answered 500 twice where the same call without the message works: {words}"
    return None, f"Could not be told; the endpoint answered {status}: {words}"


def _broken_off(ask: Ask, answer: Answer) -> tuple[bool | None, str]:
    detail, kind = (answer.failure.detail, answer.failure.kind) if answer.failure else ("", "")
    if ask.name == "streaming" and answer.status is not None and kind in ("reset", "protocol"):
        return False, f"The stream broke off: {detail}."
    return None, f"No answer: {detail}."


def about_something_else(said: Said) -> bool:
    """The refusal speaks of a length or a context, not of what was asked."""
    return any(
        words in said.all
        for words in ("context length", "too long", "maximum context", "max_tokens", "token limit")
    )
