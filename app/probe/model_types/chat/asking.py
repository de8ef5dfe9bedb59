"""How the asks of a chat model are put: together first, and what that does not show alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from app.probe.conversation import Conversation, Request, check_of
from app.probe.model_types.chat.alone import ask_alone
from app.probe.model_types.chat.question import ChatReply, Draft, Question, draft_of, estimated_tokens
from app.probe.reading.completion import Completion
from app.probe.tasks import Finding, Result, Task, listened, note
from app.probe.transport.answer import Answer


def tasks_for(bundles: Sequence[Sequence[Question]]) -> tuple[Task, ...]:
    """A task for each bundle."""
    return tuple(
        Task(tuple(ask.name for ask in asks), partial(ask_together, asks=tuple(asks))) for asks in bundles
    )


def ask_together(talk: Conversation, asks: tuple[Question, ...]) -> Result:
    """One call for several asks; only what it shows counts, the others are asked alone.

    An ask that stands in several bundles has to be shown by each of them: tools that work in a stream may be
    broken without one, and the reverse.
    """
    if len(asks) == 1:
        return ask_alone(talk, asks[0])
    draft = draft_of(talk, asks)
    request = draft.request(talk)
    completion, answer = _put_once(talk, asks, draft, request)
    shown: dict[str, str] = {}
    if completion is not None and answer is not None:
        judged = {ask.name: ask.judge(ChatReply(answer, completion, draft)) for ask in asks}
        shown = {name: evidence for name, (observed, evidence) in judged.items() if observed}
        talk.missed.update(name for name, (observed, _) in judged.items() if observed is False)
    settled = {ask.name for ask in asks if talk.last_witness(ask.name, shown.get(ask.name))}
    proven = [name for name in shown if name in settled and name not in talk.doubted]
    return Result(
        findings=tuple(Finding(name, True, talk.witnessed[name]) for name in proven),
        checks=tuple(
            check_of(name, "passed", request, answer, talk.witnessed[name], talk) for name in proven
        ),
        then=tasks_for([[ask] for ask in asks if ask.name in settled and ask.name not in proven]),
    )


def _put_once(
    talk: Conversation, asks: tuple[Question, ...], draft: Draft, request: Request
) -> tuple[Completion | None, Answer | None]:
    reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
    if not talk.reserve(reserved):
        return None, None
    try:
        until = time.monotonic() + talk.limits.check_s
        answer, _ = talk.ask_in_time(asks[0].name, request, until)
    finally:
        talk.release(reserved)
    completion = listened(answer)
    note(talk, completion, answer)
    return completion, answer
