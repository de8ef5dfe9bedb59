"""The Responses API of a chat model: whether it answers, calls functions, and streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.probe.conversation.record import check_of
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.instructions import instruction, obey
from app.probe.model_types.chat.question import CHECK_LIMIT
from app.probe.model_types.chat.questions.tools import weather_tool
from app.probe.model_types.chat.responses_answer import Said, read_response
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.meaning import meaning_of
from app.probe.reading.named_fields import REFUSAL_STATUSES
from app.probe.reading.refusal import Refusal, quote
from app.probe.tasks import NO_BUDGET, Finding, Result, Task
from app.probe.transport.answer import Answer
from app.probe.values import Status

ROUTE = "/responses"
API, TOOLS, STREAMING = "responses_api", "responses_tools", "responses_streaming"
_PROMPT_TOKENS, _TOOL_TOKENS = 16, 64
_EARLY_S = 10.0
"""Seconds for the call beside the proof: a rejection does not wait longer for it."""
_GONE = ("no_route", "not_openai_compatible", "wrong_model_type", "model_not_found")


def first_task(chat: ChatState) -> Task:
    """Whether the route answers and calls functions: in one call, and what that does not show alone."""
    return Task((API, TOOLS), partial(_both, chat=chat))


def streaming_task(chat: ChatState) -> Task:
    """Whether it streams."""
    return _task(STREAMING, chat)


def ask_early(talk: Conversation) -> None:
    """Ask for a stream beside the proof, in one short call, so that all the others make one wave. Whether it
    tells anything is seen when its turn comes.
    """
    request = _request(talk, ChatState(talk), stream=True)
    until = time.monotonic() + min(_EARLY_S, talk.limits.check_s)
    talk.early[STREAMING] = request, talk.ask(request, until=until)


def told_early(talk: Conversation, chat: ChatState) -> Result | None:
    """What the stream showed that was asked for beside the proof; None where it has to be asked for now."""
    request, answer = talk.early.get(STREAMING, (None, None))
    said = read_response(answer) if answer and answer.ok else None
    if request is None or said is None or said.has_error:
        return None
    if said.thought:
        chat.think(said.thought)
    observed, evidence = _judge_streaming(said)
    return _result(talk, STREAMING, True, request, answer, evidence) if observed else None


def _task(name: str, chat: ChatState) -> Task:
    return Task((name,), partial(_ask, name=name, chat=chat))


def _both(talk: Conversation, chat: ChatState) -> Result:
    request = _request(talk, chat, tools=True)
    answer, _ = _put(talk, chat, API, request, time.monotonic() + talk.limits.check_s)
    said = read_response(answer) if answer and answer.ok else None
    judged = {name: _JUDGES[name](said) for name in (API, TOOLS)} if said else {}
    shown = {name: evidence for name, (observed, evidence) in judged.items() if observed}
    checks = tuple(check_of(name, "passed", request, answer, shown[name], talk) for name in shown)
    return Result(
        tuple(Finding(name, True, evidence) for name, evidence in shown.items()),
        checks,
        () if API in shown and TOOLS in shown else (_rest(chat, shown),),
    )


def _rest(chat: ChatState, shown: Mapping[str, str]) -> Task:
    """What was not shown; functions only where the route answers at all."""
    names = tuple(name for name in (API, TOOLS) if name not in shown)
    return Task(names, partial(_one_by_one, names=names, chat=chat))


def _one_by_one(talk: Conversation, names: tuple[str, ...], chat: ChatState) -> Result:
    result = _ask(talk, names[0], chat)
    if len(names) == 1 or not result.findings[0].observed:
        return result
    following = (_task(names[1], chat),)
    return Result(result.findings, result.checks, following)


def _request(talk: Conversation, chat: ChatState, *, tools: bool = False, stream: bool = False) -> Request:
    """`stream` is said plainly, since some stream unless they are told not to."""
    body: dict[str, Any] = {
        "model": talk.endpoint.model_id,
        "input": "What is the weather in Oslo? Use the tool." if tools else "Say hello.",
        "max_output_tokens": chat.limit_for(CHECK_LIMIT * 2 if tools else CHECK_LIMIT // 2),
        "stream": stream,
    }
    if tools:
        body["tools"] = [{"type": "function", **weather_tool()["function"]}]
    return Request(ROUTE, body)


def _put(
    talk: Conversation, chat: ChatState, name: str, request: Request, until: float
) -> tuple[Answer | None, Refusal | None]:
    body = request.body or {}
    reserved = int(body["max_output_tokens"]) + _PROMPT_TOKENS + _TOOL_TOKENS * ("tools" in body)
    with talk.budget.room(reserved, until) as granted:
        if not granted:
            return None, None
        answer, refusal = talk.ask_in_time(name, request, until)
    said = read_response(answer) if answer.ok else None
    if said and said.thought:
        chat.think(said.thought)
    return answer, refusal


def _ask(talk: Conversation, name: str, chat: ChatState) -> Result:
    """One of the three in calls of its own; a call that the model may make or not is asked for again."""
    until = time.monotonic() + talk.limits.check_s
    request = _request(talk, chat, tools=name == TOOLS, stream=name == STREAMING)
    observed: bool | None = None
    evidence = ""
    adaptations: tuple[str, ...] = ()
    answer: Answer | None = None
    for _ in range(_LOOKS):
        answer, refusal = _put(talk, chat, name, request, until)
        if answer is None or refusal is None:
            return _result(talk, name, None, request, None, NO_BUDGET)
        observed, evidence = _told(talk, name, answer, refusal)
        order = None if observed else instruction(refusal, request.body or {}, ("tools", "stream"))
        if order and not answer.ok:
            request = Request(ROUTE, obey(request.body or {}, dict([order])))
            adaptations = (*adaptations, f"sent `{order[0]}`: {order[1]}")
        elif observed is not False or name != TOOLS or not answer.ok:
            break
    return _result(talk, name, observed, request, answer, evidence, adaptations)


_LOOKS = 3


def _told(talk: Conversation, name: str, answer: Answer, refusal: Refusal) -> tuple[bool | None, str]:
    if answer.failure:
        return None, f"No answer: {answer.failure.detail}."
    said = read_response(answer) if answer.ok else None
    if said is not None and not said.has_error:
        return _JUDGES[name](said)
    words = quote(refusal, talk.endpoint.api_key) or "no words"
    gone = _is_not_served(refusal, name) and (answer.status in REFUSAL_STATUSES or answer.ok)
    return (False if gone else None), f"Answered {answer.status}: {words}"


def _is_not_served(refusal: Refusal, name: str) -> bool:
    """Whether a refusal says that this is not served."""
    about = {API: ("responses",), TOOLS: ("tool", "function"), STREAMING: ("stream",)}[name]
    return meaning_of(refusal).meaning in _GONE or any(word in refusal.all for word in about)


def _judge_api(said: Said) -> tuple[bool | None, str]:
    if said.words or said.calls:
        return True, f"An answer with `output` came back: {said.words[:60] or said.calls[0][0]}"
    if said.is_cut:
        return None, "The answer is incomplete and says nothing yet."
    return False, "The answer is complete, and its `output` says nothing."


def _judge_tools(said: Said) -> tuple[bool | None, str]:
    called = [call for call in said.calls if call[0] == "get_weather"]
    if called and all(id for _, id in called):
        return True, f"The model called {called[0][0]}."
    if called:
        return False, "The call has no `call_id`, so no result can go back to it."
    if said.is_cut:
        return None, "The answer is incomplete and holds no call yet."
    return False, f"No call was made; the model said: {said.words[:60]}"


def _judge_streaming(said: Said) -> tuple[bool | None, str]:
    if not said.is_event_stream:
        return False, "A stream was asked for, and one whole answer came."
    if said.deltas and said.is_complete:
        pieces = "1 piece" if said.deltas == 1 else f"{said.deltas} pieces"
        return True, f"{pieces} came as events, and the end after them."
    if said.is_cut and not said.deltas:
        return None, "The limit ended the answer before it said anything."
    lacking = "no piece of an answer" if not said.deltas else "no event that ends it"
    return False, f"Events came, but {lacking}."


_JUDGES: Mapping[str, Callable[[Said], tuple[bool | None, str]]] = {
    API: _judge_api,
    TOOLS: _judge_tools,
    STREAMING: _judge_streaming,
}


def _result(
    talk: Conversation,
    name: str,
    observed: bool | None,
    request: Request,
    answer: Answer | None,
    evidence: str,
    adaptations: tuple[str, ...] = (),
) -> Result:
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    if answer is None:
        status = "skipped"
    check = check_of(name, status, request, answer, evidence, talk, adaptations)
    return Result((Finding(name, observed, check.evidence),), (check,))
