"""Whether a chat model calls tools: by itself, several at once, streamed, forced, and strictly."""

from __future__ import annotations

import json
from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import CUT_SHORT, Alternative, ChatReply, Draft, Question
from app.probe.reading.completion.whole import ToolCall
from app.probe.reading.wordings import any_of

NO_CALL = "No call was made"
"""How evidence begins where a model that might have called did not."""


def weather_tool(**more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city.",
            "parameters": parameters,
            **more,
        },
    }


def add_tools(draft: Draft, talk: Conversation) -> None:
    draft.more["tools"] = [weather_tool()]
    if not draft.user:
        draft.user.append("What is the weather in Oslo? Use the tool.")
    draft.limit = max(draft.limit, 64)


def _add_parallel(draft: Draft, talk: Conversation) -> None:
    draft.more["tools"] = [weather_tool()]
    draft.user[:] = [
        "What is the weather in Oslo and in Lima? Call the tool once for each city, both at once."
    ]
    draft.limit = max(draft.limit, 96)


def _add_streamed_parallel(draft: Draft, talk: Conversation) -> None:
    _add_parallel(draft, talk)
    draft.stream = True


def _add_streamed_tools(draft: Draft, talk: Conversation) -> None:
    add_tools(draft, talk)
    draft.stream = True


def _good_calls(reply: ChatReply) -> list[ToolCall]:
    offered = {tool["function"]["name"] for tool in reply.draft.more["tools"]}
    return [call for call in reply.completion.calls if call.name in offered and call.arguments is not None]


def judge_tools(reply: ChatReply) -> tuple[bool | None, str]:
    good = _good_calls(reply)
    if good:
        note = (
            " (the arguments came as an object, not as the string that the API specifies)"
            if good[0].as_object
            else ""
        )
        return True, f"The model called {good[0].name} with {json.dumps(good[0].arguments)}{note}."
    if reply.completion.cut:
        return None, CUT_SHORT
    if reply.completion.calls:
        return False, "A call came, but its name or its arguments do not fit the function that was offered."
    return False, f"{NO_CALL}; the model said: {reply.completion.content[:80]}"


def _judge_parallel(reply: ChatReply) -> tuple[bool | None, str]:
    good = _good_calls(reply)
    if len(good) >= 2:
        return True, f"{len(good)} calls came in one answer."
    if reply.completion.cut:
        return None, CUT_SHORT
    return False, "One call at most came, where two at once were asked for."


def _judge_streamed_parallel(reply: ChatReply) -> tuple[bool | None, str]:
    completion, good = reply.completion, _good_calls(reply)
    if len(completion.calls) < 2:
        return (None, CUT_SHORT) if completion.cut else (False, "One call at most came in the stream.")
    if not completion.streamed:
        return False, "The calls came whole, not as a stream."
    numbers = [call.index for call in completion.calls]
    if None in numbers or len(set(numbers)) < len(numbers):
        return False, f"The calls in one stream do not each have a number of their own: {numbers}."
    if len(good) < 2 or len({json.dumps(call.arguments, sort_keys=True) for call in good}) < 2:
        return False, "Two calls came in one stream, and their arguments are not those of two calls."
    return True, f"{len(good)} calls came in one stream, each with its own number and arguments."


def _judge_streamed_tools(reply: ChatReply) -> tuple[bool | None, str]:
    if not reply.completion.streamed and reply.completion.calls:
        return False, "The call came whole, not as a stream."
    if reply.completion.has_error:
        return False, "The stream held an error."
    if any(not call.name for call in reply.completion.calls):
        return False, "Pieces of a call came under a number of their own, apart from its name."
    observed, evidence = judge_tools(reply)
    if observed:
        return (
            True,
            f"The call came streamed in {reply.completion.pieces} pieces, and they join to valid JSON.",
        )
    return observed, evidence


def _add_tool_choice(draft: Draft, talk: Conversation) -> None:
    draft.more.setdefault("tools", [weather_tool()])
    draft.more["tool_choice"] = {"type": "function", "function": {"name": _first_name(draft)}}
    # Nothing here calls for a tool, so that a call shows that it was forced.
    draft.user[:] = ["Hello, how are you?"]
    draft.limit = max(draft.limit, 64)


def _first_name(draft: Draft) -> str:
    return str(draft.more["tools"][0]["function"]["name"])


def _force_any(draft: Draft) -> None:
    """By the word for any tool: only one is offered."""
    draft.more["tool_choice"] = "required"


def _judge_tool_choice(reply: ChatReply) -> tuple[bool | None, str]:
    observed, evidence = judge_tools(reply)
    if observed is False and any(call.name == _first_name(reply.draft) for call in reply.completion.calls):
        return True, f"Forced. {evidence}"  # a call it is, whatever its arguments
    return observed, f"Forced. {evidence}" if observed else f"The call was forced. {evidence}"


def _add_strict(draft: Draft, talk: Conversation) -> None:
    label = {"type": "string", "enum": [draft.word]}
    parameters = {
        "type": "object",
        "properties": {"label": label},
        "required": ["label"],
        "additionalProperties": False,
    }
    draft.more["tools"] = [
        {
            "type": "function",
            "function": {
                "name": "store_label",
                "description": "Store a label.",
                "parameters": parameters,
                "strict": True,
            },
        }
    ]
    draft.user[:] = ["Please store a label with the tool."]
    draft.limit = max(draft.limit, 64)


def _judge_strict(reply: ChatReply) -> tuple[bool | None, str]:
    for call in _good_calls(reply):
        if dict(call.arguments or {}) == {"label": reply.draft.word}:
            return True, "`strict: true` was taken and the arguments validate against the schema."
    if reply.completion.cut:
        return None, CUT_SHORT
    if not reply.completion.calls:
        return None, "`strict: true` was taken, but no call was made that could show it."
    return False, "The arguments do not validate against the strict schema."


TOOLS = Question("tool_calling", add_tools, judge_tools, ("tools",), ("tool", "function"), chances=3)
PARALLEL = Question(
    "parallel_tool_calls",
    _add_parallel,
    _judge_parallel,
    ("tools", "parallel_tool_calls"),
    ("parallel", "tool"),
    chances=3,
)
STREAMED_PARALLEL = Question(
    "streamed_parallel_tool_calls",
    _add_streamed_parallel,
    _judge_streamed_parallel,
    ("tools", "stream"),
    ("parallel", "tool", "stream"),
    chances=3,
)
STREAMED_TOOLS = Question(
    "streamed_tool_calling",
    _add_streamed_tools,
    _judge_streamed_tools,
    ("tools", "stream"),
    ("tool", "stream"),
    chances=3,
)
STRICT = Question("strict_tool", _add_strict, _judge_strict, ("tools", "strict"), ("strict", "tool"))
TOOL_CHOICE = Question(
    "tool_choice",
    _add_tool_choice,
    _judge_tool_choice,
    ("tool_choice", "tools"),
    ("tool_choice", "tool choice", "tool"),
    alternative=Alternative(
        any_of(r"tool[_ ]?choice"),
        _force_any,
        'sent `tool_choice`: "required", since a named function is refused',
    ),
)
