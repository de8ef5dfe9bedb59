"""The capabilities of a chat model, a row each, and which are asked together.

What proves each: probe.md, "Capabilities". Prompts are plain and polite, since filters read them too.
"""

from __future__ import annotations

import json
import re
from typing import Any

from app.probe.asks import Ask, Draft, Heard
from app.probe.conversation import Run
from app.probe.picture import COLOURS, data_url, two_colours
from app.probe.spoken import ToolCall, tokens

_CUT = "The token limit ended the answer before it could show anything."
_CITIES = ("Oslo", "Lima")


def _add_streaming(draft: Draft, run: Run) -> None:
    draft.stream = True
    if run.shape.stream_options and "stream_options" not in run.shape.dropped:
        draft.more["stream_options"] = {"include_usage": True}


def _judge_streaming(heard: Heard) -> tuple[bool | None, str]:
    spoken = heard.spoken
    if spoken.has_error:
        return False, "The stream held an error."
    if not spoken.streamed:
        return False, "A stream was asked for, and one whole answer came."
    if not spoken.deltas:
        return False, "Events came, but none with a delta."
    return True, f"{spoken.deltas} chunks with deltas came as server-sent events."


def _add_system(draft: Draft, run: Run) -> None:
    draft.system = f'Begin every answer with the word "{draft.word}".'


def _add_developer(draft: Draft, run: Run) -> None:
    draft.developer = f'Begin every answer with the word "{draft.word}".'
    if "response_format" in draft.more:
        draft.developer = f'Every JSON object you write has the key "{draft.word}".'


def _judge_word(heard: Heard) -> tuple[bool | None, str]:
    said = re.sub(r"[^a-z]", "", heard.spoken.content.lower())
    if heard.draft.word in said:
        return True, f"The answer did as it was told: it holds the word {heard.draft.word}."
    if heard.spoken.cut:
        return None, _CUT
    return False, f"The instruction was not followed: {heard.spoken.content[:80]}"


def _add_max_completion(draft: Draft, run: Run) -> None:
    draft.user.append("Count from 1 to 60 in words.")
    draft.limit_name, draft.limit = (
        "max_completion_tokens",
        max(24, run.shape.limit if run.shape.limit < 64 else 24),
    )


def _judge_max_completion(heard: Heard) -> tuple[bool | None, str]:
    used = tokens(heard.spoken.usage, "completion_tokens")
    if heard.spoken.cut and (used is None or used <= heard.draft.limit * 2):
        return True, f"The answer ended at the limit of {heard.draft.limit} tokens."
    if used is not None and used > heard.draft.limit * 2:
        return False, f"{used} tokens came under a limit of {heard.draft.limit}: the limit is ignored."
    if len(heard.spoken.content.split()) > heard.draft.limit * 2:
        return False, "The answer went past the limit: it is ignored."
    return None, "The answer was too short to show whether the limit holds."


def _weather_tool(**more: Any) -> dict[str, Any]:
    city = {"type": "string", "description": "Name of the city"}
    parameters = {"type": "object", "properties": {"city": city}, "required": ["city"]}
    return {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather of a city.",
            "parameters": parameters,
            **more,
        },
    }


def _add_tools(draft: Draft, run: Run) -> None:
    draft.more["tools"] = [_weather_tool()]
    if not draft.user:
        draft.user.append("What is the weather in Oslo? Use the tool.")
    draft.limit = max(draft.limit, 64)


def _add_parallel(draft: Draft, run: Run) -> None:
    draft.more["tools"] = [_weather_tool()]
    draft.user[:] = [
        "What is the weather in Oslo and in Lima? Call the tool once for each city, both at once."
    ]
    draft.limit = max(draft.limit, 96)


def _add_streamed_tools(draft: Draft, run: Run) -> None:
    _add_tools(draft, run)
    draft.stream = True


def _good_calls(heard: Heard) -> list[ToolCall]:
    offered = {tool["function"]["name"] for tool in heard.draft.more["tools"]}
    return [call for call in heard.spoken.calls if call.name in offered and call.arguments is not None]


def _judge_tools(heard: Heard) -> tuple[bool | None, str]:
    good = _good_calls(heard)
    if good:
        note = (
            " (the arguments came as an object, not as the string that the API specifies)"
            if good[0].as_object
            else ""
        )
        return True, f"The model called {good[0].name} with {json.dumps(good[0].arguments)}{note}."
    if heard.spoken.cut:
        return None, _CUT
    if heard.spoken.calls:
        return False, "A call came, but its name or its arguments do not fit the function that was offered."
    return False, f"No call was made; the model said: {heard.spoken.content[:80]}"


def _judge_parallel(heard: Heard) -> tuple[bool | None, str]:
    good = _good_calls(heard)
    if len(good) >= 2:
        return True, f"{len(good)} calls came in one answer."
    if heard.spoken.cut:
        return None, _CUT
    return False, "One call at most came, where two at once were asked for."


def _judge_streamed_tools(heard: Heard) -> tuple[bool | None, str]:
    if not heard.spoken.streamed and heard.spoken.calls:
        return False, "The call came whole, not as a stream."
    if heard.spoken.has_error:
        return False, "The stream held an error."
    observed, evidence = _judge_tools(heard)
    if observed:
        return True, f"The call came streamed in {heard.spoken.pieces} pieces, and they join to valid JSON."
    return observed, evidence


def _add_tool_choice(draft: Draft, run: Run) -> None:
    draft.more.setdefault("tools", [_weather_tool()])
    name = draft.more["tools"][0]["function"]["name"]
    draft.more["tool_choice"] = {"type": "function", "function": {"name": name}}
    draft.user[:] = ["Hello, how are you?"] if name == "get_weather" else draft.user
    draft.limit = max(draft.limit, 64)


def _judge_tool_choice(heard: Heard) -> tuple[bool | None, str]:
    observed, evidence = _judge_tools(heard)
    return observed, f"Forced. {evidence}" if observed else f"The call was forced. {evidence}"


def _add_strict(draft: Draft, run: Run) -> None:
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


def _judge_strict(heard: Heard) -> tuple[bool | None, str]:
    for call in _good_calls(heard):
        if dict(call.arguments or {}) == {"label": heard.draft.word}:
            return True, "`strict: true` was taken and the arguments validate against the schema."
    if heard.spoken.cut:
        return None, _CUT
    if not heard.spoken.calls:
        return None, "`strict: true` was taken, but no call was made that could show it."
    return False, "The arguments do not validate against the strict schema."


def _add_json_mode(draft: Draft, run: Run) -> None:
    draft.more["response_format"] = {"type": "json_object"}
    draft.user.append("Answer with a JSON object about a city of Norway.")


def _judge_json_mode(heard: Heard) -> tuple[bool | None, str]:
    if isinstance(_json_of(heard.spoken.content), dict):
        return True, "The whole content is one JSON object."
    if heard.spoken.cut:
        return None, _CUT
    return False, f"The content is not one JSON object: {heard.spoken.content[:80]}"


def _add_json_schema(draft: Draft, run: Run) -> None:
    properties: dict[str, Any] = {"label": {"type": "string", "enum": [draft.word]}}
    if draft.image:
        properties |= {"left": {"type": "string"}, "right": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    draft.more["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": "note", "strict": True, "schema": schema},
    }
    if not draft.image:
        draft.user.append("Write a short note as JSON.")


def _judge_json_schema(heard: Heard) -> tuple[bool | None, str]:
    content = _json_of(heard.spoken.content)
    wanted = heard.draft.more["response_format"]["json_schema"]["schema"]["properties"]
    if isinstance(content, dict) and set(content) == set(wanted) and content.get("label") == heard.draft.word:
        return True, "The content validates against a schema that chance would hardly hit."
    if heard.spoken.cut:
        return None, _CUT
    return False, f"The content does not keep to the schema: {heard.spoken.content[:80]}"


def _add_vision(draft: Draft, run: Run) -> None:
    left, right = two_colours(run.rng)
    draft.image = data_url(left, right)
    draft.expected["vision"] = (left, right)
    draft.user.append(
        "Which colour is the left half of this picture, and which the right half? "
        "Use only red, green, blue, yellow, black or white. Answer in this order: left, right."
    )


def _judge_vision(heard: Heard) -> tuple[bool | None, str]:
    expected = heard.draft.expected["vision"]
    named = colours_named(heard.spoken.content)
    if named == list(expected):
        return True, f"The model named both halves: {', '.join(named)}."
    if heard.spoken.cut:
        return None, _CUT
    return False, f"The halves are {' and '.join(expected)}; the model said: {heard.spoken.content[:80]}"


def colours_named(text: str) -> list[str]:
    """The two colours an answer names, left first; a JSON answer is read by its keys, a sentence by its
    sides.
    """
    content = _json_of(text)
    if isinstance(content, dict) and {"left", "right"} <= set(content):
        text = f"{content['left']} {content['right']}"
    named = re.findall(rf"\b({'|'.join(COLOURS)})\b", text.lower())
    swapped = re.search(
        rf"right\b[^.,;]*?\b({'|'.join(COLOURS)})\b.*left\b[^.,;]*?\b({'|'.join(COLOURS)})\b",
        text.lower(),
        re.S,
    )
    if swapped and not re.match(r"\W*left", text.lower()) and len(named) == 2 and "left" in text.lower():
        named = [swapped.group(2), swapped.group(1)]
    return [colour for place, colour in enumerate(named) if place == 0 or named[place - 1] != colour]


def _add_sampling(draft: Draft, run: Run) -> None:
    draft.more |= {"temperature": 0.7, "top_p": 0.9}


def _judge_sampling(heard: Heard) -> tuple[bool | None, str]:
    return True, "`temperature` 0.7 and `top_p` 0.9 were taken."


def _json_of(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


STREAMING = Ask("streaming", _add_streaming, _judge_streaming, ("stream",))
SYSTEM = Ask(
    "system_message", _add_system, _judge_word, ("messages",), ("system", "role", "alternate"), role=True
)
DEVELOPER = Ask(
    "developer_message",
    _add_developer,
    _judge_word,
    ("messages",),
    ("developer", "role", "alternate"),
    role=True,
)
MAX_COMPLETION = Ask(
    "max_completion_tokens", _add_max_completion, _judge_max_completion, ("max_completion_tokens",)
)
TOOLS = Ask("tool_calling", _add_tools, _judge_tools, ("tools",), ("tool", "function"))
PARALLEL = Ask(
    "parallel_tool_calls",
    _add_parallel,
    _judge_parallel,
    ("tools", "parallel_tool_calls"),
    ("parallel", "tool"),
)
STREAMED_TOOLS = Ask(
    "streamed_tool_calling",
    _add_streamed_tools,
    _judge_streamed_tools,
    ("tools", "stream"),
    ("tool", "stream"),
)
STRICT = Ask("strict_tool", _add_strict, _judge_strict, ("tools", "strict"), ("strict", "tool"))
TOOL_CHOICE = Ask(
    "tool_choice",
    _add_tool_choice,
    _judge_tool_choice,
    ("tool_choice", "tools"),
    ("tool_choice", "tool choice", "tool"),
)
JSON_MODE = Ask(
    "json_mode",
    _add_json_mode,
    _judge_json_mode,
    ("response_format",),
    ("response_format", "json", "response format"),
)
JSON_SCHEMA = Ask(
    "json_schema",
    _add_json_schema,
    _judge_json_schema,
    ("response_format",),
    ("response_format", "json", "schema", "response format", "structured", "grammar", "guided"),
)
VISION = Ask(
    "vision",
    _add_vision,
    _judge_vision,
    ("messages",),
    ("image", "vision", "multimodal", "multi-modal", "content", "mmproj", "modalit"),
)
SAMPLING = Ask(
    "sampling_params", _add_sampling, _judge_sampling, ("temperature", "top_p"), ("temperature", "top_p")
)

BUNDLES: tuple[tuple[Ask, ...], ...] = (
    (STREAMING, SYSTEM, MAX_COMPLETION),
    (TOOLS, PARALLEL, STREAMED_TOOLS),
    (STRICT, TOOL_CHOICE),
    (JSON_MODE, DEVELOPER, SAMPLING),
    (VISION, JSON_SCHEMA),
)
"""What is asked together first. Together with the two controls and `responses` these make eight calls, which
is one
wave at the limit of eight calls at a time."""
