"""The practice endpoint's text routes: chat completions, completions, responses."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.practice.checks import check_chat, check_effort, check_sampling, missing, refuse, wrong_type
from app.practice.messages import read_messages
from app.practice.mind import Asked, Thought, think, tokens
from app.practice.models import Model
from app.practice.wire import Reply, as_json, events

JSON = Any
PICTURE_TOKENS = 255
"""What OpenAI counts for a small picture."""
THOUGHTS = "The user wants something. I shall do as I am told, and say no more than that."


@dataclass(frozen=True)
class Turn:
    """What was said within the limits, and what it cost in tokens."""

    thought: Thought
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int

    def usage(self) -> dict[str, JSON]:
        """The usage as a chat completion tells it."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }


def turn(asked: Asked, model: Model, limit: int | None, stop: list[str]) -> Turn:
    """Let the model answer: reasoning first, both within `limit` tokens."""
    budget = min(limit or model.max_output, model.max_output)
    reasoning = tokens(THOUGHTS)[:budget] if model.reasons else []
    thought, spent, cut = _within(think(asked), budget - len(reasoning))
    for word in stop:
        if word and word in thought.text:
            thought, cut = Thought(thought.text.partition(word)[0]), False
    finish = "length" if cut else "tool_calls" if thought.calls else "stop"
    return Turn(
        thought, "".join(reasoning), finish, _prompt_tokens(asked), len(reasoning) + spent, len(reasoning)
    )


def _within(thought: Thought, budget: int) -> tuple[Thought, int, bool]:
    """The thought cut to `budget` tokens, what it took, and whether it was cut."""
    if thought.calls:
        cost = len(tokens(json.dumps(thought.calls)))
        return (thought, cost, False) if cost <= budget else (Thought(), max(budget, 0), True)
    pieces = tokens(thought.text)
    kept = pieces[: max(budget, 0)]
    return Thought("".join(kept)), len(kept), len(kept) < len(pieces)


def _prompt_tokens(asked: Asked) -> int:
    text = f"{asked.system} {asked.user} {asked.tool_result} {json.dumps(list(asked.tools))}"
    return len(tokens(text)) + PICTURE_TOKENS * len(asked.colours)


def _stops(body: Mapping[str, JSON]) -> list[str]:
    stop = body.get("stop") or []
    return [stop] if isinstance(stop, str) else list(stop)


def chat(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /chat/completions."""
    check_chat(body, model)
    asked = read_messages(body, model)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    said = [turn(asked, model, limit, _stops(body)) for _ in range(min(body.get("n") or 1, 8))]
    head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model.id}
    if body.get("stream"):
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return events(_chunks(head, said, usage, model.pause_s))
    time.sleep(model.pause_s)
    choices = [
        {"index": at, "message": _message(one), "logprobs": None, "finish_reason": one.finish_reason}
        for at, one in enumerate(said)
    ]
    return as_json(head | {"object": "chat.completion", "choices": choices, "usage": said[0].usage()})


def _message(said: Turn) -> dict[str, JSON]:
    message: dict[str, JSON] = {"role": "assistant", "content": said.thought.text, "refusal": None}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.thought.calls:
        message["content"] = None
        message["tool_calls"] = [_call(name, arguments) for name, arguments in said.thought.calls]
    return message


def _call(name: str, arguments: JSON) -> dict[str, JSON]:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _chunks(head: dict[str, JSON], said: list[Turn], usage: bool, pause_s: float) -> Iterator[JSON]:
    """The chunks of a streamed chat completion, as OpenAI cuts them."""
    head = head | {"object": "chat.completion.chunk"}
    time.sleep(pause_s)
    for index, one in enumerate(said):
        for delta in _deltas(one):
            yield head | {
                "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]
            }
        last = {"index": index, "delta": {}, "logprobs": None, "finish_reason": one.finish_reason}
        yield head | {"choices": [last]}
    if usage:
        yield head | {"choices": [], "usage": said[0].usage()}


def _deltas(said: Turn) -> Iterator[dict[str, JSON]]:
    yield {"role": "assistant", "content": None if said.thought.calls else "", "refusal": None}
    for piece in tokens(said.reasoning):
        yield {"reasoning_content": piece}
    for piece in tokens(said.thought.text):
        yield {"content": piece}
    for at, (name, arguments) in enumerate(said.thought.calls):
        call = _call(name, arguments)
        text = call["function"]["arguments"]
        yield {"tool_calls": [call | {"index": at, "function": {"name": name, "arguments": ""}}]}
        for piece in tokens(text):
            yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}


def completion(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /completions."""
    check_sampling(body)
    prompt = body.get("prompt")
    if prompt is None:
        raise missing("prompt")
    first = prompt[0] if isinstance(prompt, list) and prompt else prompt
    if not isinstance(first, str | int | list):
        raise wrong_type("prompt", "one of a string or array", prompt)
    text = first if isinstance(first, str) else ""
    said = turn(Asked(text), model, body.get("max_tokens") or 16, _stops(body))
    head = {"id": f"cmpl-{secrets.token_hex(12)}", "object": "text_completion", "created": int(time.time())}
    words = (text if body.get("echo") else "") + said.thought.text
    choice = {"index": 0, "text": words, "logprobs": None, "finish_reason": said.finish_reason}
    if body.get("stream"):
        pieces = [choice | {"text": piece, "finish_reason": None} for piece in tokens(words)]
        last = choice | {"text": ""}
        return events(head | {"model": model.id, "choices": [one]} for one in [*pieces, last])
    time.sleep(model.pause_s)
    return as_json(head | {"model": model.id, "choices": [choice], "usage": said.usage()})


def responses(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /responses: text in, text out."""
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
    said = turn(_asked(body), model, limit, [])
    answer = _response(said, model)
    if not body.get("stream"):
        time.sleep(model.pause_s)
        return as_json(answer)
    deltas = [{"type": "response.output_text.delta", "delta": piece} for piece in tokens(said.thought.text)]
    created = {"type": "response.created", "response": answer | {"status": "in_progress", "output": []}}
    return events([created, *deltas, {"type": "response.completed", "response": answer}])


def _asked(body: Mapping[str, JSON]) -> Asked:
    asked = body.get("input")
    if asked is None:
        raise missing("input")
    if isinstance(asked, str):
        return Asked(asked, str(body.get("instructions") or ""))
    if not isinstance(asked, list) or not asked:
        raise wrong_type("input", "one of a string or array of objects", asked)
    content = asked[-1].get("content", "") if isinstance(asked[-1], dict) else ""
    if isinstance(content, list):
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return Asked(str(content), str(body.get("instructions") or ""))


def _response(said: Turn, model: Model) -> dict[str, JSON]:
    text = {"type": "output_text", "text": said.thought.text, "annotations": []}
    output: list[JSON] = [
        {"type": "reasoning", "id": f"rs_{secrets.token_hex(8)}", "summary": []}
    ] * model.reasons
    if said.thought.text:
        message = {"type": "message", "id": f"msg_{secrets.token_hex(8)}", "status": "completed"}
        output.append(message | {"role": "assistant", "content": [text]})
    cut = said.finish_reason == "length"
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "model": model.id,
        "output": output,
        "usage": {
            "input_tokens": said.prompt_tokens,
            "output_tokens": said.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
            "total_tokens": said.prompt_tokens + said.completion_tokens,
        },
    }
