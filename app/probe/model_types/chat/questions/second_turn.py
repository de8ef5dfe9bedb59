"""A second turn: the call that the model made goes back to it with the result, and the answer uses it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import CUT_SHORT, Alternative, ChatReply, Draft, Question
from app.probe.model_types.chat.questions.tools import weather_tool
from app.probe.reading.completion.thinking import FIELDS
from app.probe.reading.completion.whole import Completion, ToolCall
from app.probe.reading.wordings import any_of

NAME = "tool_results"
_FIRST = "What is the weather in Oslo? Use the tool."


def tool_results(answers: list[Completion]) -> Question | None:
    """The question, with a call that was made in one of these answers; None where none of them fits."""
    fitting = [
        (answer, call)
        for answer in answers
        for call in answer.calls
        if call.name == "get_weather" and call.arguments is not None
    ]
    whole = [pair for pair in fitting if pair[0].message] or fitting
    if not whole:
        return None
    answer, call = whole[0]
    return _question(call, _thoughts(answer))


def made_up() -> Question:
    """The question, with a call in the commonest form that the model did not make: it needs no answer before
    it. What it shows holds for calls of the model's own where these are `ordinary`.
    """
    call = ToolCall("get_weather", {"city": "Oslo"}, as_object=False, id=f"call_{secrets.token_hex(12)}")
    return _question(call, {})


def ordinary(answers: list[Completion]) -> bool:
    """Whether all calls that were made have the form of the made-up one: a server may refuse its own ids, and
    want back what stood beside a call.
    """
    calls = [call for answer in answers for call in answer.calls]
    alone = not any(answer.thinks or answer.message.get("reasoning_details") for answer in answers)
    return alone and bool(calls) and all(map(_is_ordinary, calls))


_ORDINARY_ID = re.compile(r"call_[A-Za-z0-9]{1,35}")


def _is_ordinary(call: ToolCall) -> bool:
    more = set(call.raw) - {"id", "type", "index", "function"}
    return bool(_ORDINARY_ID.fullmatch(call.id)) and not (call.as_object or more)


def _question(call: ToolCall, thoughts: Mapping[str, Any]) -> Question:
    return Question(
        NAME,
        partial(_add, call=call, thoughts=thoughts),
        _judge,
        ("messages",),
        ("tool", "role", "alternate", "content", "template", "message"),
        role=True,
        alternative=Alternative(
            any_of(
                r"\bcontent\b.{0,80}\b(string|str|null|none|required|missing|empty)\b",
                r"\b(null|none)\b.{0,80}\bcontent\b",
            ),
            _without_null,
            "sent an empty text as the content of the call",
        ),
        chances=3,
    )


def _thoughts(answer: Completion) -> dict[str, Any]:
    """What a thinking model thought before its call: some refuse a call that goes back without it."""
    found = {
        name: answer.message[name] for name in (*FIELDS, "reasoning_details") if answer.message.get(name)
    }
    if not answer.message and answer.thought_in:
        found[answer.thought_in] = answer.reasoning  # it came in pieces
    return found


def _add(draft: Draft, talk: Conversation, call: ToolCall, thoughts: Mapping[str, Any]) -> None:
    draft.more["tools"] = [weather_tool()]
    in_json = "response_format" in draft.more
    draft.user[:] = (
        [_FIRST, "Answer with a JSON object that holds all that it tells."] if in_json else [_FIRST]
    )
    degrees, wind = f"{talk.rng.randint(11, 38)}.{talk.rng.randint(1, 9)}", str(talk.rng.randint(101, 989))
    draft.expected[NAME] = (degrees, wind)
    sent = _as_sent(call)
    draft.turns[:] = [
        {"role": "assistant", "content": None, **thoughts, "tool_calls": [sent]},
        {
            "role": "tool",
            "tool_call_id": sent["id"],
            "content": f"{degrees} degrees, wind {wind}",
        },
    ]


def _as_sent(call: ToolCall) -> dict[str, Any]:
    """The call in the API's form, with whatever the endpoint adds to it."""
    extras = {name: value for name, value in call.raw.items() if name.startswith("extra")}
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id or "call00001", "type": "function", "function": function, **extras}


def _without_null(draft: Draft) -> None:
    draft.turns[0]["content"] = ""


def _judge(reply: ChatReply) -> tuple[bool | None, str]:
    content = reply.completion.content.replace(",", ".")
    if any(number in content for number in reply.draft.expected[NAME]):
        return True, f"The answer uses the result of the call: {reply.completion.content[:80]}"
    if reply.completion.cut:
        return None, CUT_SHORT
    if reply.completion.calls:
        return False, "The model called again, as if it had not read the result of its call."
    said = reply.completion.content[:80]
    return False, f"The answer does not use the result of the call: {said}" if said else "No answer came."
