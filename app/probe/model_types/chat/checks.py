"""The checks of a chat model that take more than one question, and what is settled at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from app.probe.capabilities import EFFORT_LEVELS
from app.probe.conversation import Conversation, Request, check_of
from app.probe.model_types.chat import formats, messages, tools
from app.probe.model_types.chat.asking import tasks_for
from app.probe.model_types.chat.formats import JSON_MODE, JSON_SCHEMA, VISION
from app.probe.model_types.chat.messages import DEVELOPER, MAX_COMPLETION, SAMPLING, STREAMING, SYSTEM
from app.probe.model_types.chat.proof import request_of
from app.probe.model_types.chat.question import CHECK_LIMIT, Question
from app.probe.model_types.chat.tools import PARALLEL, STREAMED_TOOLS, STRICT, TOOL_CHOICE, TOOLS
from app.probe.reading.completion import read_completion
from app.probe.reading.faults import is_error_value
from app.probe.reading.named_fields import REFUSAL_STATUSES, complained
from app.probe.reading.refusal import quote
from app.probe.tasks import NO_BUDGET, Finding, Result, Task, note
from app.probe.transport.answer import Answer
from app.probe.values import Status

_LEVEL_LIMIT = 32


def tasks(talk: Conversation) -> tuple[Task, ...]:
    """The second phase of a chat model: bundles first, then what stands alone, eight calls in the good
    case.
    """
    alone = [Task(("responses_api",), responses_api), Task(("sampling_params",), sampling_bounds)]
    if talk.thinks or talk.declared.get("reasoning") or _catalog_says_reasoning(talk):
        alone.append(Task(("reasoning_effort",), effort_levels))
    talk.witnesses = Counter(ask.name for asks in BUNDLES for ask in asks)
    return (*tasks_for((*BUNDLES, *_ALONE)), *alone)


def _catalog_says_reasoning(talk: Conversation) -> bool:
    return "reasoning" in str(talk.catalog_metadata.get("supported_parameters", "")).lower()


def responses_api(talk: Conversation) -> Result:
    """Whether POST /responses answers as the Responses API does."""
    name, reserved = "responses_api", CHECK_LIMIT + 12
    body = {"model": talk.endpoint.model_id, "input": "Say hello.", "max_output_tokens": CHECK_LIMIT}
    request = Request("/responses", body)
    if not talk.reserve(reserved):
        return _one(talk, name, None, request, None, NO_BUDGET)
    try:
        answer, refusal, judgement = talk.ask_patiently(name, request, time.monotonic() + talk.limits.check_s)
    finally:
        talk.release(reserved)
    if answer.failure:
        return _one(talk, name, None, request, answer, f"No answer: {answer.failure.detail}.")
    if answer.ok and _is_response(answer.json):
        return _one(talk, name, True, request, answer, "An answer with `output` came back.")
    words = quote(refusal, talk.endpoint.api_key) or "no words"
    gone = judgement.meaning in ("no_route", "not_openai_compatible", "wrong_model_type", "model_not_found")
    gone = gone or "responses" in refusal.all and answer.status in REFUSAL_STATUSES
    return _one(talk, name, False if gone else None, request, answer, f"Answered {answer.status}: {words}")


def _is_response(whole: Any) -> bool:
    return (
        isinstance(whole, Mapping)
        and isinstance(whole.get("output"), list)
        and not is_error_value(whole.get("error"))
    )


def sampling_bounds(talk: Conversation) -> Result:
    """A temperature that means nothing: an endpoint that reads the field refuses it, one that ignores it
    answers.
    """
    request = request_of(
        talk, talk.endpoint.model_id, talk.shape, [{"role": "user", "content": "Say hello."}], temperature=-1
    )
    if not talk.reserve(talk.shape.limit + 12):
        return _one(talk, "_temperature_read", None, request, None, NO_BUDGET)
    try:
        answer, refusal = talk.ask_in_time("sampling_params", request, time.monotonic() + talk.limits.check_s)
    finally:
        talk.release(talk.shape.limit + 12)
    note(talk, read_completion(answer) if answer.ok else None, answer)
    refused = answer.status in REFUSAL_STATUSES and "temperature" in complained(refusal, request.body or {})
    observed = True if refused else False if answer.ok else None
    return Result(
        (Finding("_temperature_read", observed, quote(refusal, talk.endpoint.api_key) if refused else ""),)
    )


def effort_levels(talk: Conversation) -> Result:
    """Starts a task for each level, and one for a level that can't exist: only where that is refused do
    takes count.
    """
    levels = (*EFFORT_LEVELS, talk.word())
    return Result(then=tuple(Task((), partial(_effort, level=level)) for level in levels))


def _effort(talk: Conversation, level: str) -> Result:
    name = f"reasoning_effort_{level}" if level in EFFORT_LEVELS else "_effort_nonsense"
    request = request_of(
        talk,
        talk.endpoint.model_id,
        talk.shape,
        [{"role": "user", "content": "Is 91 a prime number?"}],
        _LEVEL_LIMIT,
        reasoning_effort=level,
    )
    if not talk.reserve(_LEVEL_LIMIT + 16):
        return Result((Finding(name, None, NO_BUDGET),))
    try:
        answer, refusal, judgement = talk.ask_patiently(name, request, time.monotonic() + talk.limits.check_s)
    finally:
        talk.release(_LEVEL_LIMIT + 16)
    completion = read_completion(answer) if answer.ok else None
    if completion is None:
        refused = answer.status in REFUSAL_STATUSES and (
            "effort" in refusal.all or judgement.meaning == "shape" or "reasoning" in refusal.all
        )
        return Result((Finding(name, False if refused else None, quote(refusal, talk.endpoint.api_key)),))
    note(talk, completion, answer)
    return Result((Finding(name, True, "reasoned" if completion.thinks else "did not reason"),))


def settle(talk: Conversation, found: dict[str, Finding]) -> None:
    """What only all answers together tell: reasoning, effort levels, sampling. Changes `found` in place."""
    _settle_sampling(talk, found)
    _settle_effort(talk, found)
    if talk.thinks:
        found["reasoning"] = Finding("reasoning", True, talk.thought)
    elif talk.whole_answers:
        found["reasoning"] = Finding(
            "reasoning", False, f"None of {talk.whole_answers} whole answers held reasoning."
        )
    else:
        found["reasoning"] = Finding("reasoning", None, "No answer was whole enough to tell.")


def _settle_sampling(talk: Conversation, found: dict[str, Finding]) -> None:
    read_it = found.pop("_temperature_read", None)
    taken = found.get("sampling_params")
    if taken is None or taken.observed is not True or read_it is None:
        return
    if read_it.observed is True:
        evidence = f"{taken.evidence} A temperature of -1 was refused: {read_it.evidence}"
        found["sampling_params"] = Finding("sampling_params", True, evidence)
    else:
        evidence = (
            f"{taken.evidence} But so was a temperature of -1, so they may be ignored."
            if read_it.observed is False
            else taken.evidence
        )
        found["sampling_params"] = Finding("sampling_params", None, evidence)


def _settle_effort(talk: Conversation, found: dict[str, Finding]) -> None:
    nonsense = found.pop("_effort_nonsense", None)
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
    refusal = (
        f"Levels that show in the answers: {', '.join(taken)}."
        if taken
        else found[f"reasoning_effort_{next(iter(levels))}"].evidence
    )
    found["reasoning_effort"] = Finding("reasoning_effort", overall, refusal)


def _level(level: str, f: Finding, heeded: bool) -> tuple[bool | None, str]:
    if f.observed is not True:
        return f.observed, f"Refused: {f.evidence}" if f.observed is False else f.evidence
    if not heeded:
        return None, "Taken, but so was a level that does not exist: the field may be ignored."
    if level == "none":
        return f.evidence == "did not reason", f"With this level the model {f.evidence}."
    return (True if f.evidence == "reasoned" else None), f"With this level the model {f.evidence}."


def _one(
    talk: Conversation,
    name: str,
    observed: bool | None,
    request: Request,
    answer: Answer | None,
    evidence: str,
) -> Result:
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    if answer is None:
        status = "skipped"
    check = check_of(name, status, request, answer, evidence, talk)
    return Result((Finding(name, observed, check.evidence),), (check,))


BUNDLES: tuple[tuple[Question, ...], ...] = (
    (STREAMING, SYSTEM, MAX_COMPLETION),
    (TOOLS, PARALLEL, STREAMED_TOOLS),
    (TOOLS, STRICT, TOOL_CHOICE),
    (JSON_MODE, DEVELOPER, SAMPLING),
    (VISION, JSON_SCHEMA),
)
"""What is asked together first. Together with the two controls and `responses` these make eight calls, which
is one
wave at the limit of eight calls at a time."""

_BUNDLED = {question for bundle in BUNDLES for question in bundle}
_ALONE = tuple(
    (question,)
    for module in (messages, formats, tools)
    for question in vars(module).values()
    if isinstance(question, Question) and question not in _BUNDLED
)
"""A question that stands in no bundle is asked in a call of its own."""
