"""The practice endpoint's text routes: chat completions, completions, responses."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.practice.checks import check_chat, check_sampling, missing, refuse, wrong_type
from app.practice.messages import read_messages
from app.practice.mind import Asked, Thought, think, tokens
from app.practice.models import Model
from app.practice.wire import Reply, as_json, events

JSON = Any
PICTURE_TOKENS = 255
"""What OpenAI counts for a small picture."""
FUNCTION_LETTERS = 4
"""Letters of a function's JSON to a token, about what OpenAI counts."""
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


def turn(asked: Asked, model: Model, limit: int | None, stop: list[str], effort: JSON = None) -> Turn:
    """Let the model answer: reasoning first, unless `effort` is none, both within `limit` tokens."""
    budget = min(limit or model.max_output, model.max_output)
    reasoning = tokens(THOUGHTS)[:budget] if model.reasons and effort != "none" else []
    thought, spent, cut = _within(think(asked), budget - len(reasoning))
    for word in stop:
        if word and word in thought.text:
            thought, cut = Thought(thought.text.partition(word)[0]), False
    finish = "length" if cut else "tool_calls" if thought.calls else "stop"
    if model.filtered:
        thought, finish = Thought(), "content_filter"
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
    text = f"{asked.system} {asked.user} {asked.tool_result}"
    functions = len(json.dumps(list(asked.tools), separators=(",", ":"))) // FUNCTION_LETTERS
    return len(tokens(text)) + functions + PICTURE_TOKENS * len(asked.colours)


def _stops(body: Mapping[str, JSON]) -> list[str]:
    stop = body.get("stop") or []
    return [stop] if isinstance(stop, str) else list(stop)


def chat(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /chat/completions."""
    check_chat(body, model)
    asked = read_messages(body, model)
    _refuse_some(body, model)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    effort, count = body.get("reasoning_effort"), min(body.get("n") or 1, 8)
    said = [turn(asked, model, limit, _stops(body), effort) for _ in range(count)]
    head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model.id}
    if body.get("stream"):
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return events(_chunks(head, said, usage, model))
    time.sleep(model.pause_s)
    choices = [
        {
            "index": at,
            "message": _message(one, model),
            "logprobs": _logprobs(one, body.get("top_logprobs") or 0) if body.get("logprobs") else None,
            "finish_reason": one.finish_reason,
        }
        for at, one in enumerate(said)
    ]
    tier = {"service_tier": "default"} if "service_tier" in body else {}  # the one that there is
    answer = head | {"object": "chat.completion", "choices": choices, "usage": said[0].usage()}
    return as_json(answer | tier)


_turns = itertools.count()


def _refuse_some(body: Mapping[str, JSON], model: Model) -> None:
    """What a model of this kind refuses beyond the checks."""
    effort = model.tools_need_effort
    if body.get("tools") and effort and body.get("reasoning_effort") != effort:
        message = (
            f"Function tools with reasoning_effort are not supported for {model.id} in "
            f"/v1/chat/completions. To use function tools, set reasoning_effort to '{effort}'."
        )
        raise refuse(message, "reasoning_effort")
    if model.unsteady and body.get("tools") and next(_turns) % 3 == 2:
        message = "Failed to call a function. Please adjust your prompt."
        raise refuse(message, None, "tool_use_failed")


def _message(said: Turn, model: Model) -> dict[str, JSON]:
    message: dict[str, JSON] = {"role": "assistant", "content": said.thought.text, "refusal": None}
    if said.reasoning and model.thinks_aloud:
        message["content"] = f"<think>\n{said.reasoning}\n</think>\n\n{said.thought.text}"
    elif said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.thought.calls:
        message["content"] = message["content"] if model.thinks_aloud else None
        message["tool_calls"] = [_call(name, arguments) for name, arguments in said.thought.calls]
    return message


def _call(name: str, arguments: JSON) -> dict[str, JSON]:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _logprobs(said: Turn, others: int) -> dict[str, JSON]:
    """The log-probabilities of a model that is sure of each word, and half as sure of the next."""
    content = [
        {
            "token": piece,
            "logprob": -0.01,
            "bytes": list(piece.encode()),
            "top_logprobs": [
                {"token": piece if at == 0 else f"{piece}{at}", "logprob": -0.01 - 5.0 * at, "bytes": None}
                for at in range(others)
            ],
        }
        for piece in tokens(said.thought.text)
    ]
    return {"content": content, "refusal": None}


def _chunks(head: dict[str, JSON], said: list[Turn], usage: bool, model: Model) -> Iterator[JSON]:
    """The chunks of a streamed chat completion, as OpenAI cuts them."""
    head = head | {"object": "chat.completion.chunk"}
    time.sleep(model.pause_s)
    for index, one in enumerate(said):
        for delta in _deltas(one, model):
            yield head | {
                "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]
            }
        last = {"index": index, "delta": {}, "logprobs": None, "finish_reason": one.finish_reason}
        yield head | {"choices": [last]}
    if usage:
        yield head | {"choices": [], "usage": said[0].usage()}


def _deltas(said: Turn, model: Model) -> Iterator[dict[str, JSON]]:
    yield {"role": "assistant", "content": None if said.thought.calls else "", "refusal": None}
    aloud = f"<think>\n{said.reasoning}\n</think>\n\n" if said.reasoning and model.thinks_aloud else ""
    for piece in tokens(aloud or said.reasoning):
        yield {"content" if aloud else "reasoning_content": piece}
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
