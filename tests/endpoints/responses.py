"""The Responses API of the good endpoint: tools, results of tools, and the events of a stream."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from app.practice.wire import Reply, as_json

JSON = Any
Ask = Callable[[JSON], Reply]
"""Asks the good endpoint: a body of the route in question, its reply."""


def respond(body: JSON, plainly: Ask, chat: Ask) -> Reply:
    """POST /responses. `plainly` answers text with text, and refuses; `chat` is the chat route."""
    first = plainly({name: body[name] for name in body if name not in ("tools", "tool_choice", "stream")})
    if first.status != 200 or not ({"tools", "text"} & set(body) or _items(body) or body.get("stream")):
        return first
    said = chat(as_chat(body))
    if said.status != 200:
        return said
    choice = said.json["choices"][0]
    cut = choice["finish_reason"] == "length"
    answer = first.json | {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": list(_output(choice["message"], first.json["output"])),
    }
    return events(answer) if body.get("stream") else as_json(answer)


def _items(body: JSON) -> bool:
    """Whether the input is more than one message of the user."""
    asked = body.get("input")
    return isinstance(asked, list) and len(asked) > 1


def as_chat(body: JSON) -> JSON:
    """The same request as a chat completion."""
    asked = body["input"]
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    messages = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    for item in items:
        _add(messages, item)
    chat = {"model": body.get("model"), "messages": messages}
    if body.get("tools"):
        names = ("name", "description", "parameters", "strict")
        functions = [{name: tool[name] for name in names if name in tool} for tool in body["tools"]]
        chat["tools"] = [{"type": "function", "function": one} for one in functions]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        form = {"type": "json_schema", "json_schema": {name: form[name] for name in form if name != "type"}}
    more = {"tool_choice": choice, "response_format": form or None}
    more |= {"parallel_tool_calls": body.get("parallel_tool_calls")}
    more |= {"max_completion_tokens": body.get("max_output_tokens")}
    return chat | {name: value for name, value in more.items() if value is not None}


def _add(messages: list[JSON], item: JSON) -> None:
    """Put an item of the input behind the messages; calls side by side are one message."""
    kind = item.get("type", "message")
    if kind == "function_call":
        function = {"name": item["name"], "arguments": item["arguments"]}
        call = {"id": item["call_id"], "type": "function", "function": function}
        if not (messages and messages[-1].get("tool_calls")):
            messages.append({"role": "assistant", "content": None, "tool_calls": []})
        messages[-1]["tool_calls"].append(call)
    elif kind == "function_call_output":
        messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": _text(item["output"])})
    elif kind == "message":
        messages.append({"role": item.get("role", "user"), "content": _text(item.get("content"))})


def _text(content: JSON) -> str:
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    return " ".join(str(part.get("text", "")) for part in parts)


def _output(message: JSON, plain: list[JSON]) -> Iterator[JSON]:
    """The items of an answer: reasoning, then calls or words."""
    yield from [item for item in plain if item["type"] == "reasoning"]
    for call in message.get("tool_calls") or []:
        head = {"type": "function_call", "id": f"fc_{secrets.token_hex(8)}", "call_id": call["id"]}
        yield head | call["function"] | {"status": "completed"}
    if message.get("content"):
        part = {"type": "output_text", "text": message["content"], "annotations": []}
        head = {"type": "message", "id": f"msg_{secrets.token_hex(8)}", "status": "completed"}
        yield head | {"role": "assistant", "content": [part]}


def events(answer: JSON) -> Reply:
    """The answer as OpenAI streams it."""
    return named(list(_events(answer)))


def named(told: list[JSON]) -> Reply:
    """Events with their names and sequence numbers, and no `[DONE]` at the end."""
    pieces = [
        f"event: {one['type']}\ndata: {json.dumps(one | {'sequence_number': at}, ensure_ascii=False)}\n\n"
        for at, one in enumerate(told)
    ]
    return Reply(200, [piece.encode() for piece in pieces], "text/event-stream; charset=utf-8")


def _events(answer: JSON) -> Iterator[JSON]:
    begun = answer | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for at, item in enumerate(answer["output"]):
        place = {"item_id": item["id"], "output_index": at}
        empty: JSON = {"message": {"content": []}, "function_call": {"arguments": ""}}.get(item["type"], {})
        added = item | empty | {"status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": at, "item": added}
        if item["type"] == "function_call":
            yield from _pieces("response.function_call_arguments", "arguments", item["arguments"], place)
        for number, part in enumerate(item.get("content") or []):
            here = place | {"content_index": number}
            yield here | {"type": "response.content_part.added", "part": part | {"text": ""}}
            yield from _pieces("response.output_text", "text", part["text"], here)
            yield here | {"type": "response.content_part.done", "part": part}
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
    yield {"type": f"response.{answer['status']}", "response": answer}


def _pieces(kind: str, field: str, text: str, place: JSON) -> Iterator[JSON]:
    for at in range(0, len(text), 6):
        yield place | {"type": f"{kind}.delta", "delta": text[at : at + 6]}
    yield place | {"type": f"{kind}.done", field: text}
