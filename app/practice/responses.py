"""The Responses API of the practice endpoint: words and calls in, words and calls out, whole or in events."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.practice.chat import Turn, turn
from app.practice.checks import check_effort, check_sampling, missing, refuse, wrong_type
from app.practice.mind import Asked, tokens
from app.practice.models import Model
from app.practice.wire import Reply, as_json

JSON = Any


def responses(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /responses."""
    check_sampling(body)
    effort = (body.get("reasoning") or {}).get("effort")
    if effort is not None:
        check_effort("reasoning.effort", effort, model)
    limit = body.get("max_output_tokens")
    if limit is not None and limit < 16:
        raise refuse(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, "
            f"but got {limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    answer = _response(turn(_asked(body, model), model, limit, []), model)
    if body.get("stream"):
        return _stream(_events(answer))
    time.sleep(model.pause_s)
    return as_json(answer)


def _asked(body: Mapping[str, JSON], model: Model) -> Asked:
    asked = body.get("input")
    if asked is None:
        raise missing("input")
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    if not isinstance(items, list) or not items:
        raise wrong_type("input", "one of a string or array of objects", asked)
    said = [item for item in items if isinstance(item, dict) and item.get("type", "message") == "message"]
    last = items[-1] if isinstance(items[-1], dict) else {}
    result = str(last.get("output", "")) if last.get("type") == "function_call_output" else ""
    return Asked(
        _text(said[-1].get("content", "")) if said else "",
        str(body.get("instructions") or ""),
        tools=_functions(body.get("tools") or []) if model.tools else [],
        tool_choice=_choice(body.get("tool_choice") or "auto"),
        parallel=body.get("parallel_tool_calls") is not False and model.parallel_tools,
        tool_result=result,
    )


def _text(content: JSON) -> str:
    if not isinstance(content, list):
        return str(content)
    return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def _functions(listed: JSON) -> list[JSON]:
    """The functions of a request in the form of chat completions; tools of other types are not used."""
    if not isinstance(listed, list):
        raise wrong_type("tools", "an array of objects", listed)
    functions = [one for one in listed if isinstance(one, dict) and one.get("type") == "function"]
    for at, function in enumerate(functions):
        if not isinstance(function.get("name"), str):
            raise missing(f"tools[{at}].name")
    return [{"type": "function", "function": function} for function in functions]


def _choice(choice: JSON) -> JSON:
    named = isinstance(choice, dict) and choice.get("type") == "function"
    return {"type": "function", "function": {"name": choice.get("name")}} if named else choice


def _response(said: Turn, model: Model) -> dict[str, JSON]:
    cut = said.finish_reason in ("length", "content_filter")
    reason = {"length": "max_output_tokens"}.get(said.finish_reason, said.finish_reason)
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": reason} if cut else None,
        "error": None,
        "model": model.id,
        "output": list(_output(said, model)),
        "usage": {
            "input_tokens": said.prompt_tokens,
            "output_tokens": said.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
            "total_tokens": said.prompt_tokens + said.completion_tokens,
        },
    }


def _output(said: Turn, model: Model) -> Iterator[JSON]:
    if model.reasons:
        yield {"type": "reasoning", "id": f"rs_{secrets.token_hex(8)}", "summary": []}
    for name, arguments in said.thought.calls:
        head = {"type": "function_call", "id": f"fc_{secrets.token_hex(8)}", "status": "completed"}
        text = json.dumps(arguments, ensure_ascii=False)
        yield head | {"call_id": f"call_{secrets.token_hex(12)}", "name": name, "arguments": text}
    if said.thought.text:
        part = {"type": "output_text", "text": said.thought.text, "annotations": []}
        head = {"type": "message", "id": f"msg_{secrets.token_hex(8)}", "status": "completed"}
        yield head | {"role": "assistant", "content": [part]}


def _events(answer: JSON) -> Iterator[JSON]:
    """The events of a stream, as OpenAI sends them."""
    yield {"type": "response.created", "response": answer | {"status": "in_progress", "output": []}}
    for at, item in enumerate(answer["output"]):
        place = {"item_id": item["id"], "output_index": at}
        begun = item | {"content": []} if "content" in item else item
        yield {"type": "response.output_item.added", "output_index": at, "item": begun}
        if item["type"] == "function_call":
            yield from _pieces("function_call_arguments", "arguments", item["arguments"], place)
        for number, part in enumerate(item.get("content") or []):
            yield from _pieces("output_text", "text", part["text"], place | {"content_index": number})
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
    yield {"type": f"response.{answer['status']}", "response": answer}


def _pieces(kind: str, field: str, text: str, place: JSON) -> Iterator[JSON]:
    for piece in tokens(text):
        yield place | {"type": f"response.{kind}.delta", "delta": piece}
    yield place | {"type": f"response.{kind}.done", field: text}


def _stream(told: Iterable[JSON]) -> Reply:
    """Events with their names and numbers; the Responses API ends without `[DONE]`."""
    pieces = (
        f"event: {one['type']}\ndata: {json.dumps(one | {'sequence_number': at}, ensure_ascii=False)}\n\n"
        for at, one in enumerate(told)
    )
    return Reply(
        200,
        (piece.encode() for piece in pieces),
        "text/event-stream; charset=utf-8",
        {"cache-control": "no-cache"},
    )
