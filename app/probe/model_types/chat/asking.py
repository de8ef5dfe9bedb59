"""How the questions of a chat model are put: together first, and what that does not show alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from app.probe.conversation.record import check_of
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.alone import ask_alone
from app.probe.model_types.chat.attempt import Attempt, Put
from app.probe.model_types.chat.question import ChatReply, Question
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.refusal import printable
from app.probe.tasks import Finding, Result, Task
from app.probe.values import Check


def tasks_for(bundles: Sequence[Sequence[Question]], chat: ChatState) -> tuple[Task, ...]:
    """A task for each bundle."""
    return tuple(
        Task(
            tuple(question.name for question in bundle),
            partial(ask_together, questions=tuple(bundle), chat=chat),
        )
        for bundle in bundles
    )


def ask_together(talk: Conversation, questions: tuple[Question, ...], chat: ChatState) -> Result:
    """One call for several questions; only what it shows counts, the others are asked alone.

    A question that stands in several bundles has to be shown by each of them: tools that work in a stream may
    be broken without one, and the reverse.
    """
    if len(questions) == 1:
        return ask_alone(talk, questions[0], chat)
    put = _put(talk, questions, chat)
    judged = _judged(put, questions)
    chat.missed.update(name for name, (observed, _) in judged.items() if observed is False)
    return _settled(talk, questions, put, _shown(judged), chat)


def riding_task(questions: Sequence[Question], riders: Sequence[Question], chat: ChatState) -> Task:
    """A task for a bundle of the first wave that takes questions of the second along."""
    work = partial(ask_with_riders, questions=tuple(questions), riders=tuple(riders), chat=chat)
    return Task(tuple(question.name for question in questions), work)


def ask_with_riders(
    talk: Conversation, questions: tuple[Question, ...], riders: tuple[Question, ...], chat: ChatState
) -> Result:
    """The same with `riders`, questions that come later: what the call shows of them is kept in
    `chat.beside` until their turn, and saves their call.

    They must not cost the bundle anything: where the call does not show all of it, it is asked without them,
    as if this call had not been made.
    """
    put = _put(talk, (*questions, *riders), chat)
    if put is None:
        return ask_together(talk, questions, chat)
    untold = tuple(one for one in riders if set(one.fields).isdisjoint(put.named))
    if put.completion is None and untold and untold != riders:
        return ask_with_riders(talk, questions, untold, chat)
    shown = _shown(_judged(put, (*questions, *riders)))
    for name in (rider.name for rider in riders if rider.name in shown):
        found = Finding(name, True, shown[name])
        chat.beside[name] = Result((found,), _passed(put, {name: shown[name]}, talk))
    if any(question.name not in shown for question in questions):
        return ask_together(talk, questions, chat)
    return _settled(talk, questions, put, shown, chat)


def _judged(put: Put | None, questions: tuple[Question, ...]) -> dict[str, tuple[bool | None, str]]:
    if put is None or put.completion is None:
        return {}
    reply = ChatReply(put.answer, put.completion, put.draft)
    return {question.name: question.judge(reply) for question in questions}


def _shown(judged: Mapping[str, tuple[bool | None, str]]) -> dict[str, str]:
    return {name: evidence for name, (observed, evidence) in judged.items() if observed}


def _settled(
    talk: Conversation,
    questions: tuple[Question, ...],
    put: Put | None,
    shown: Mapping[str, str],
    chat: ChatState,
) -> Result:
    """What is told of a bundle, and what is left to be asked alone."""
    settled = {
        question.name for question in questions if chat.last_witness(question.name, shown.get(question.name))
    }
    proven = [name for name in shown if name in settled and name not in chat.doubted]
    left = [[one] for one in questions if one.name in settled and one.name not in proven]
    return Result(
        findings=tuple(Finding(name, True, chat.witnessed[name]) for name in proven),
        checks=() if put is None else _passed(put, {name: chat.witnessed[name] for name in proven}, talk),
        then=tasks_for(left, chat),
    )


def _passed(put: Put, evidence: Mapping[str, str], talk: Conversation) -> tuple[Check, ...]:
    """The checks that one call passed, with what shows it for each: the call is put on record once."""
    record = check_of("", "passed", put.request, put.answer, "", talk, put.adaptations)
    return tuple(replace(record, name=name, evidence=printable(shows)) for name, shows in evidence.items())


def _put(talk: Conversation, questions: tuple[Question, ...], chat: ChatState) -> Put | None:
    """One call, and one more where it says how, or where the thinking took all of its tokens."""
    attempt = Attempt(talk, chat, questions, time.monotonic() + talk.limits.check_s)
    put = attempt.put()
    if put is not None and attempt.revise(put):
        return attempt.put() or put
    return put
