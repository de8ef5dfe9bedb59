"""Tools beside something else: forbidden, among many, with a schema for the answer, while it thinks."""

from __future__ import annotations

import json
from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import CUT_SHORT, ChatReply, Draft, Question
from app.probe.model_types.chat.questions.tools import NO_CALL, add_tools, judge_tools, weather_tool

ASKS_FOR_A_CALL = "What is the weather in Oslo?"
HOW_MANY = 40
_LETS_A_CALL_SHOW = 16
"""Tokens beside those of a tight limit that let a call be seen which is made all the same."""
_PROSE = 12
"""Words that an answer cut by a tight limit must hold to be prose, and not the beginning of a call."""
_NESTED: dict[str, Any] = {
    "name": "book",
    "parameters": {
        "$defs": {"day": {"type": "string", "format": "date"}},
        "type": "object",
        "properties": {
            "on": {"$ref": "#/$defs/day"},
            "size": {"enum": ["small", "large"]},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    },
}
"""What clients put into schemas: references, unions, enumerations, formats."""


def _add_none(draft: Draft, talk: Conversation) -> None:
    draft.more["tools"] = [weather_tool()]
    draft.more["tool_choice"] = "none"
    if not draft.is_tight:
        draft.user.append(ASKS_FOR_A_CALL)
        return
    draft.user[:] = [f"{ASKS_FOR_A_CALL} Tell it in words, and then count from 1 to 60 in words."]
    draft.limit += _LETS_A_CALL_SHOW


def _judge_none(reply: ChatReply) -> tuple[bool | None, str]:
    if reply.completion.calls:
        return False, f"{reply.completion.calls[0].name} was called although `tool_choice` forbade it."
    words = reply.completion.content.split()
    if reply.completion.cut and reply.draft.is_tight and len(words) < _PROSE:
        return None, CUT_SHORT
    if words:
        return True, "No call was made where `tool_choice` forbade it."
    return None, CUT_SHORT if reply.completion.cut else "Neither words nor a call came."


def _add_many(draft: Draft, talk: Conversation) -> None:
    empty = {"type": "object", "properties": {}}
    plain = ({"name": f"j{at}", "parameters": empty} for at in range(HOW_MANY - 2))
    others = [{"type": "function", "function": function} for function in (_NESTED, *plain)]
    draft.more["tools"] = [*others, weather_tool()]
    if not draft.user:
        draft.user.append(ASKS_FOR_A_CALL)


def _judge_many(reply: ChatReply) -> tuple[bool | None, str]:
    names = [call.name for call in reply.completion.calls]
    if names and set(names) != {"get_weather"}:
        return False, f"Among {HOW_MANY} functions the model called {names[0]}, not the right one."
    observed, evidence = judge_tools(reply)
    return observed, f"Among {HOW_MANY} functions: {evidence}"


def _add_beside_schema(draft: Draft, talk: Conversation) -> None:
    if "tools" not in draft.more:
        add_tools(draft, talk)
    properties = {"report": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["report"],
        "additionalProperties": False,
    }
    form = {"name": "report", "strict": True, "schema": schema}
    draft.more["response_format"] = {"type": "json_schema", "json_schema": form}


def _judge_beside_schema(reply: ChatReply) -> tuple[bool | None, str]:
    observed, evidence = judge_tools(reply)
    return observed, f"With a schema for the answer beside the tools: {evidence}"


def _add_thinking(draft: Draft, talk: Conversation) -> None:
    add_tools(draft, talk)
    draft.more["reasoning_effort"] = "low"


def _judge_thinking(reply: ChatReply) -> tuple[bool | None, str]:
    observed, evidence = judge_tools(reply)
    body = _effort_of(reply)
    if not observed:
        return observed, f"{body}: {evidence}"
    if reply.completion.thinks:
        return True, f"{body} the model reasoned and made its call. {evidence}"
    return False, f"{body} a call was made, and the model did not reason before it."


def _effort_of(reply: ChatReply) -> str:
    effort = reply.draft.more.get("reasoning_effort")
    return f"With `reasoning_effort` {json.dumps(effort)}" if effort else "Without an effort"


TOOL_CHOICE_NONE = Question(
    "tool_choice_none", _add_none, _judge_none, ("tool_choice",), ("tool_choice", "tool choice")
)
MANY_TOOLS = Question(
    "many_tools", _add_many, _judge_many, ("tools",), ("tool", "function", "schema", "$ref"), chances=3
)
TOOLS_WITH_SCHEMA = Question(
    "tools_with_json_schema",
    _add_beside_schema,
    _judge_beside_schema,
    ("tools", "response_format"),
    ("tool", "function", "response_format", "response mime type", "json", "schema"),
    chances=3,
)
TOOLS_WITH_REASONING = Question(
    "tools_with_reasoning",
    _add_thinking,
    _judge_thinking,
    ("tools",),
    ("tool", "function", "reasoning", "thinking"),
    chances=3,
)
__all__ = ["MANY_TOOLS", "NO_CALL", "TOOLS_WITH_REASONING", "TOOLS_WITH_SCHEMA", "TOOL_CHOICE_NONE"]
