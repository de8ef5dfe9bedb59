"""Checks of a request to the practice endpoint; refusals read as OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.practice.models import Model
from app.practice.wire import Refused, error

JSON = Any

CHAT_FIELDS = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens "
    "messages metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options "
    "temperature tool_choice tools top_logprobs top_p user verbosity web_search_options".split()
)
NUMBERS = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
INTEGERS = {"max_tokens": 1, "max_completion_tokens": 1, "n": 1, "top_logprobs": 0}
FLAGS = ("stream", "parallel_tool_calls", "logprobs", "store")
TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def refuse(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """A 400 with OpenAI's body, to be raised."""
    return Refused(error(400, message, param=param, code=code))


def wrong_type(name: str, wanted: str, value: JSON) -> Refused:
    """400 of a value of another JSON type."""
    got = TYPE_NAMES.get(type(value), "something else")
    return refuse(
        f"Invalid type for '{name}': expected {wanted}, but got {got} instead.", name, "invalid_type"
    )


def missing(name: str) -> Refused:
    """400 of a field that must be there."""
    return refuse(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def check_chat(body: Mapping[str, JSON], model: Model) -> None:
    """Refuse what no chat model, or not this one, takes."""
    for name in body:
        if name not in CHAT_FIELDS:
            raise refuse(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    check_sampling(body)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )
    if body.get("reasoning_effort") is not None:
        check_effort("reasoning_effort", body["reasoning_effort"], model)
    check_tools(body)
    check_format(body.get("response_format"), str(body.get("messages")))


def check_sampling(body: Mapping[str, JSON]) -> None:
    """Refuse numbers and flags of the wrong type or out of their range."""
    for name, (low, high) in NUMBERS.items():
        value = body.get(name)
        if value is not None:
            _check_number(name, value, low, high)
    for name, least in INTEGERS.items():
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise wrong_type(name, "an integer", value)
        if value is not None and value < least:
            raise refuse(
                f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, "
                f"but got {value} instead.",
                name,
                "integer_below_min_value",
            )
    for name in FLAGS:
        if body.get(name) is not None and not isinstance(body[name], bool):
            raise wrong_type(name, "a boolean", body[name])


def _check_number(name: str, value: JSON, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a decimal", value)
    if value > high:
        side, sign, bound, code = "above maximum", "<=", high, "decimal_above_max_value"
    elif not value >= low:
        side, sign, bound, code = "below minimum", ">=", low, "decimal_below_min_value"
    else:
        return
    raise refuse(
        f"Invalid '{name}': decimal {side} value. Expected a value {sign} {bound}, but got {value} instead.",
        name,
        code,
    )


def check_effort(name: str, level: JSON, model: Model) -> None:
    """Refuse a reasoning level that this model does not have."""
    if not model.reasons:
        raise refuse(
            f"Unsupported parameter: '{name}' is not supported with this model.",
            name,
            "unsupported_parameter",
        )
    if level not in model.efforts:
        levels = ", ".join(f"'{one}'" for one in model.efforts)
        raise refuse(
            f"Unsupported value: '{name}' does not support '{level}' with this model. "
            f"Supported values are: {levels}.",
            name,
            "unsupported_value",
        )


def check_tools(body: Mapping[str, JSON]) -> None:
    """Refuse malformed tools, and a tool choice without tools."""
    tools = body.get("tools")
    if tools is None:
        if body.get("tool_choice") not in (None, "none"):
            raise refuse(
                "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
                "tool_choice",
            )
        return
    if not isinstance(tools, list):
        raise wrong_type("tools", "an array of objects", tools)
    if not tools:
        raise refuse(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "tools",
            "empty_array",
        )
    names = []
    for at, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise missing(f"tools[{at}].function.name")
        names.append(function["name"])
    _check_choice(body.get("tool_choice"), names)


def _check_choice(choice: JSON, names: list[str]) -> None:
    if choice in (None, "auto", "none", "required"):
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in names:
        raise refuse(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")


def check_format(form: JSON, text: str) -> None:
    """Refuse a response_format that is none; `text` is all that the messages say."""
    if form is None:
        return
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise refuse(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type",
            "invalid_value",
        )
    if kind == "json_object" and "json" not in text.lower():
        raise refuse(
            "'messages' must contain the word 'json' in some form, to use 'response_format' "
            "of type 'json_object'.",
            "messages",
        )
    if kind == "json_schema" and not isinstance((form.get("json_schema") or {}).get("schema"), dict):
        raise missing("response_format.json_schema.schema")
