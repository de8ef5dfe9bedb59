"""Levels of reasoning effort: which are taken, and whether the field is read at all."""

from __future__ import annotations

import time
from functools import partial

from app.probe.capabilities import EFFORT_LEVELS
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.proof import request_of
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.completion.whole import read_completion
from app.probe.reading.named_fields import REFUSAL_STATUSES
from app.probe.reading.refusal import quote
from app.probe.tasks import NO_BUDGET, Finding, Result, Task

_LEVEL_LIMIT = 32
_NONSENSE = "_effort_nonsense"


def effort_tasks(talk: Conversation, chat: ChatState) -> tuple[Task, ...]:
    """A task for each level, and one for a level that can't exist: only where that is refused do takes
    count.
    """
    return tuple(
        Task((), partial(_effort, level=level, chat=chat)) for level in (*EFFORT_LEVELS, talk.word())
    )


def _effort(talk: Conversation, level: str, chat: ChatState) -> Result:
    name = f"reasoning_effort_{level}" if level in EFFORT_LEVELS else _NONSENSE
    messages = [{"role": "user", "content": "Is 91 a prime number?"}]
    request = request_of(talk.endpoint.model_id, talk.shape, messages, _LEVEL_LIMIT, reasoning_effort=level)
    until = time.monotonic() + talk.limits.check_s
    with talk.budget.room(_LEVEL_LIMIT + 16, until) as granted:
        if not granted:
            return Result((Finding(name, None, NO_BUDGET),))
        answer, refusal, judgement = talk.ask_patiently(name, request, until)
    completion = read_completion(answer) if answer.ok else None
    if completion is None:
        refused = answer.status in REFUSAL_STATUSES and (
            "effort" in refusal.all or judgement.meaning == "shape" or "reasoning" in refusal.all
        )
        return Result((Finding(name, False if refused else None, quote(refusal, talk.endpoint.api_key)),))
    chat.note(completion, answer)
    return Result((Finding(name, True, "reasoned" if completion.thinks else "did not reason"),))


def settle_effort(found: dict[str, Finding]) -> None:
    """What the levels tell together. Changes `found` in place."""
    nonsense = found.pop(_NONSENSE, None)
    levels = {
        level: found.pop(f"reasoning_effort_{level}")
        for level in EFFORT_LEVELS
        if f"reasoning_effort_{level}" in found
    }
    if not levels:
        return
    off = levels.get("none")
    works = {level for level, f in levels.items() if f.observed and f.evidence == "reasoned"}
    heeded = (nonsense is not None and nonsense.observed is False) or (
        off is not None and off.evidence == "did not reason" and bool(works - {"none"})
    )
    for level, f in levels.items():
        observed, evidence = _level(level, f, heeded)
        found[f"reasoning_effort_{level}"] = Finding(f"reasoning_effort_{level}", observed, evidence)
    seen = [found[f"reasoning_effort_{level}"].observed for level in levels]
    taken = [level for level in levels if found[f"reasoning_effort_{level}"].observed]
    overall = True if taken else False if all(value is False for value in seen) else None
    evidence = (
        f"Levels that show in the answers: {', '.join(taken)}."
        if taken
        else found[f"reasoning_effort_{next(iter(levels))}"].evidence
    )
    found["reasoning_effort"] = Finding("reasoning_effort", overall, evidence)


def _level(level: str, f: Finding, heeded: bool) -> tuple[bool | None, str]:
    if f.observed is not True:
        return f.observed, f"Refused: {f.evidence}" if f.observed is False else f.evidence
    if not heeded:
        return None, "Taken, but so was a level that does not exist: the field may be ignored."
    if level == "none":
        return f.evidence == "did not reason", f"With this level the model {f.evidence}."
    return (True if f.evidence == "reasoned" else None), f"With this level the model {f.evidence}."
