"""Second round, asked besides: the ids of calls, and several calls in one stream."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.endpoints.base import Simulator
from tests.endpoints.own_chat import called
from tests.endpoints.second import accepted

JSON = Any
FUNCTION = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
WEATHER = {"type": "function", "function": FUNCTION}
ONE = {"messages": [{"role": "user", "content": "What is the weather in Oslo?"}], "tools": [WEATHER]}
BOTH = ONE | {"messages": [{"role": "user", "content": "What is the weather in Oslo and in Lima?"}]}
CALLS_WORK = {"tool_calling": True, "parallel_tool_calls": True}


def edit_calls(sim: Simulator, change: Callable[[int, JSON], None]) -> None:
    """Change every call, and every piece of one in a stream, in place: `change(place, call)`."""

    def message(asked: JSON, answered: JSON) -> None:
        for at, call in enumerate(answered.get("tool_calls") or []):
            change(at, call)

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for piece in [one for chunk in chunks for one in called(chunk)]:
            change(piece["index"], piece)
        return chunks

    sim.edit_message(message)
    sim.edit_stream(stream)


@accepted(
    "cap-ids-empty",
    "https://github.com/camel-ai/camel/issues/3027",
    path="/v1beta/openai",
    model="gemini-2.5-pro",
    capabilities=CALLS_WORK | {"tool_call_ids": False},
    shows=(ONE, '"id": ""'),
)
def _(sim: Simulator) -> None:
    """Gemini: the id of every call is an empty string."""
    edit_calls(sim, lambda at, call: call.update({"id": ""} if "id" in call else {}))


@accepted(
    "cap-ids-of-the-name",
    "https://github.com/brainlid/langchain/pull/620",
    capabilities=CALLS_WORK | {"tool_call_ids": False},
    shows=(BOTH, "call-get_weather"),
)
def _(sim: Simulator) -> None:
    """A gateway makes the id of the function's name: two calls of one function share it."""
    edit_calls(sim, lambda at, call: call.update({"id": "call-get_weather"} if "id" in call else {}))


@accepted(
    "cap-ids-missing",
    "https://github.com/langchain-ai/langchain/pull/40594",
    capabilities=CALLS_WORK | {"tool_call_ids": False},
)
def _(sim: Simulator) -> None:
    """Calls come without an id."""
    edit_calls(sim, lambda at, call: call.pop("id", None))


@accepted(
    "cap-ids-change-in-the-stream",
    "https://github.com/OpenRouterTeam/ai-sdk-provider/pull/471",
    capabilities={"tool_calling": True, "streamed_tool_calling": True, "tool_call_ids": False},
)
def _(sim: Simulator) -> None:
    """Every piece of a streamed call bears another id."""
    counted = itertools.count()

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for piece in [one for chunk in chunks for one in called(chunk)]:
            piece["id"] = f"call_{next(counted)}"
        return chunks

    sim.edit_stream(stream)


@accepted(
    "cap-ids-of-nine-letters",
    "https://docs.mistral.ai/capabilities/function_calling/",
    capabilities=CALLS_WORK | {"tool_call_ids": True},
)
def _(sim: Simulator) -> None:
    """Mistral: nine letters, repeated in every piece of a stream: short, and right."""
    edit_calls(sim, lambda at, call: call.update({"id": f"D681PevK{at}"}))


@accepted(
    "cap-stream-index-nought",
    "https://github.com/vercel/ai/pull/14277",
    capabilities=CALLS_WORK | {"streamed_parallel_tool_calls": False},
    shows=(BOTH | {"stream": True}, '"index": 0'),
)
def _(sim: Simulator) -> None:
    """Ollama: each call comes in one piece, and all of them at index 0."""

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for piece in [one for chunk in chunks for one in called(chunk)]:
            piece["index"] = 0
        return chunks

    sim.edit_stream(stream)


@accepted(
    "cap-stream-without-index",
    "https://github.com/LibreChat-AI/agents/pull/260",
    capabilities=CALLS_WORK | {"streamed_parallel_tool_calls": False},
)
def _(sim: Simulator) -> None:
    """The pieces of streamed calls bear no index at all."""

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for piece in [one for chunk in chunks for one in called(chunk)]:
            del piece["index"]
        return chunks

    sim.edit_stream(stream)


@accepted(
    "cap-stream-repeats-the-first",
    "https://github.com/Soju06/codex-lb/issues/542",
    capabilities={"tool_calling": True, "streamed_tool_calling": True, "streamed_parallel_tool_calls": False},
)
def _(sim: Simulator) -> None:
    """Every call of a stream has the arguments of the first one."""

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        pieces = [one for chunk in chunks for one in called(chunk)]
        first = "".join(one["function"]["arguments"] for one in pieces if one["index"] == 0)
        for at in {piece["index"] for piece in pieces} - {0}:
            mine = [piece for piece in pieces if piece["index"] == at]
            for number, piece in enumerate(mine):
                piece["function"]["arguments"] = first if number == len(mine) - 1 else ""
        return chunks

    sim.edit_stream(stream)


@accepted(
    "cap-stream-interleaved",
    "https://platform.openai.com/docs/guides/function-calling#streaming",
    capabilities=CALLS_WORK | {"streamed_parallel_tool_calls": True, "tool_call_ids": True},
)
def _(sim: Simulator) -> None:
    """The pieces of two calls come in turns, each with its own index: odd, and right."""

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        by_call: dict[int, list[JSON]] = {}
        for chunk in [one for one in chunks if called(one)]:
            by_call.setdefault(called(chunk)[0]["index"], []).append(chunk)
        turns = itertools.zip_longest(*by_call.values())
        mixed = [chunk for turn in turns for chunk in turn if chunk]
        return [chunks[0], *mixed, *[one for one in chunks[1:] if not called(one)]]

    sim.edit_stream(stream)
