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
    spoken = read_completion(answer) if answer.status is not None and 200 <= answer.status < 300 else None
    if spoken and spoken.has_error and (spoken.end == "error" or not (spoken.said_something or spoken.end)):
        return None
    return spoken


def note(run: Conversation, spoken: Completion | None, answer: Answer) -> None:
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


def _speed(spoken: Completion, answer: Answer) -> dict[str, Any]:
    """Milliseconds to the first token, and tokens a second after it where there was a stream to time."""
    if spoken.first_token_ms is None:
        return {}
    used, span_ms = tokens(spoken.usage, "completion_tokens"), answer.duration_ms - spoken.first_token_ms
    timed = used is not None and used > 4 and span_ms >= _TIMED_MS
    return {
        "first_token_ms": spoken.first_token_ms,
        "output_tokens_per_s": round((used or 0) * 1000 / span_ms, 1) if timed else None,
    }
