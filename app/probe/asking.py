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
    spoken = listen(answer) if answer.status is not None and 200 <= answer.status < 300 else None
    note(run, spoken, answer)
    return spoken, answer


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


@dataclass(slots=True)
class _Alone:
    """One ask on its own: what was sent, what came, what was left out on the way."""

    run: Run
    ask: Ask
    dropped: tuple[str, ...] = ()
    larger: int = 0

    def put(self, until: float) -> tuple[Draft, Request, Answer | None, Said | None, Judgement | None]:
        draft = draft_of(self.run, [self.ask])
        draft.limit = max(draft.limit, self.larger)
        request = draft.request(self.run)
        if self.dropped and request.body:
            request = replace(request, body={n: v for n, v in request.body.items() if n not in self.dropped})
        reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
        if not self.run.reserve(reserved):
            return draft, request, None, None, None
        try:
            answer, said, judgement = self.run.ask_patiently(self.ask.name, request, until)
        finally:
            self.run.release(reserved)
        return draft, request, answer, said, judgement


def ask_alone(run: Run, ask: Ask) -> Result:
    """One ask in a call that changes one thing of the proof's own."""
    alone = _Alone(run, ask)
    until = time.monotonic() + run.limits.check_s
    for attempt in range(3):
        draft, request, answer, said, judgement = alone.put(until)
        if answer is None or said is None or judgement is None:
            return _result(run, ask, "skipped", request, None, None, NO_BUDGET)
        spoken = listen(answer) if answer.status is not None and 200 <= answer.status < 300 else None
        if spoken is not None and (spoken.said_something or spoken.finish or not spoken.has_error):
            note(run, spoken, answer)
            observed, evidence = ask.judge(Heard(answer, spoken, draft))
            if observed is None and spoken.cut and not alone.larger and not run.shape.fixed_limit:
                alone.larger = draft.limit * 3
                continue
            return _judged(run, ask, request, answer, observed, evidence, alone.dropped)
        others = _others_named(ask, said, request)
        if others and attempt < 2:
            alone.dropped += others
            continue
        if ask.role and answer.status == 500 and attempt == 0:
            continue
        observed, evidence = _refusal(run, ask, answer, said, judgement, request)
        return _judged(run, ask, request, answer, observed, evidence, alone.dropped)
    return _result(
        run,
        ask,
        "inconclusive",
        request,
        answer,
        None,
        "The endpoint kept refusing other parts of the request.",
    )


def _others_named(ask: Ask, said: Said, request: Request) -> tuple[str, ...]:
    """Fields that a refusal names and that this ask is not about."""
    named = complained(said, request.body or {})
    return tuple(name for name in named if name not in ask.fields)


def _refusal(
    run: Run, ask: Ask, answer: Answer, said: Said, judgement: Judgement, request: Request
) -> tuple[bool | None, str]:
    """A refusal of what was asked is false; an error of another kind is null."""
    if answer.failure:
        if (
            ask.name == "streaming"
            and answer.status is not None
            and answer.failure.kind in ("reset", "protocol")
        ):
            return False, f"The stream broke off: {answer.failure.detail}."
        return None, f"No answer: {answer.failure.detail}."
    words = quote(said, run.endpoint.api_key) or "no words"
    status = answer.status or 0
    if ask.name == "streaming" and 200 <= status < 300:
        return False, f"The stream brought an error or nothing: {words}"
    if judgement.meaning == "filtered":
        return None, f"Could not be told, since a content filter refused the prompt: {words}"
    about = bool(set(complained(said, request.body or {})) & set(ask.fields)) or any(
        word in said.all for word in ask.words
    )
    if about and (
        400 <= status < 500 and status not in (401, 402, 408, 413, 429) or status in (200, 500, 501)
    ):
        return False, f"Refused with {status}: {words}"
    if status in (400, 404, 405, 406, 415, 422, 424, 501) and judgement.meaning in ("shape", "no_route"):
        return (
            None if about_something_else(said) else False
        ), f"Refused with {status}, and the same call without it works: {words}"
    if ask.role and status == 500 and not judgement.by_words:
        return False, f"Answered 500 twice where the same call without the message works: {words}"
    return None, f"Could not be told; the endpoint answered {status}: {words}"


def about_something_else(said: Said) -> bool:
    """The refusal speaks of a length or a context, not of what was asked."""
    return any(
        words in said.all
        for words in ("context length", "too long", "maximum context", "max_tokens", "token limit")
    )


def _judged(
    run: Run,
    ask: Ask,
    request: Request,
    answer: Answer,
    observed: bool | None,
    evidence: str,
    dropped: tuple[str, ...],
) -> Result:
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    return _result(run, ask, status, request, answer, observed, evidence, dropped)


def _result(
    run: Run,
    ask: Ask,
    status: Status,
    request: Request,
    answer: Answer | None,
    observed: bool | None,
    evidence: str,
    dropped: tuple[str, ...] = (),
) -> Result:
    left_out = tuple(f"left out `{name}`" for name in dropped)
    check = check_of(ask.name, status, request, answer, evidence, run, left_out)
    return Result((Finding(ask.name, observed, check.evidence),), (check,))
