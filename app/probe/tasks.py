"""Pieces of work of the second phase, and what every answer to a chat call tells besides what was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.probe.conversation import Conversation
from app.probe.reading.completion import Completion, read_completion, tokens
from app.probe.transport.answer import Answer
from app.probe.values import Check


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of a capability: true, false, or null for "could not be told"."""

    name: str
    observed: bool | None
    evidence: str


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
    work: Callable[[Conversation], Result]


def listened(answer: Answer) -> Completion | None:
    """What the model said, where that can be judged: not of an answer that an error ended or stands for."""
    completion = read_completion(answer) if answer.status is not None and 200 <= answer.status < 300 else None
    if (
        completion
        and completion.has_error
        and (completion.end == "error" or not (completion.said_something or completion.end))
    ):
        return None
    return completion


def note(talk: Conversation, completion: Completion | None, answer: Answer) -> None:
    """Every answer is evidence for or against reasoning, and every stream tells the model's speed."""
    if completion is None:
        return
    if completion.streamed and completion.deltas > 1 and "first_token_ms" not in talk.performance:
        talk.performance |= _speed(completion, answer)
    if completion.thinks and not talk.thinks:
        talk.thinks, talk.thought = True, "The usage counts reasoning tokens."
        if completion.reasoning.strip():
            talk.thought = f"The model reasoned: {completion.reasoning[:60]}"
    if completion.said_something and not completion.cut:
        talk.whole_answers += 1


def _speed(completion: Completion, answer: Answer) -> dict[str, Any]:
    """Milliseconds to the first token, and tokens a second after it where there was a stream to time."""
    if completion.first_token_ms is None:
        return {}
    used, span_ms = (
        tokens(completion.usage, "completion_tokens"),
        answer.duration_ms - completion.first_token_ms,
    )
    timed = used is not None and used > 4 and span_ms >= _TIMED_MS
    return {
        "first_token_ms": completion.first_token_ms,
        "output_tokens_per_s": round((used or 0) * 1000 / span_ms, 1) if timed else None,
    }
