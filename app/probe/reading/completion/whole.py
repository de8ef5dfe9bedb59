"""What a chat or completion answer says, from JSON and from any kind of stream, as one value.

Working servers send streams labelled JSON, JSON where a stream was asked, whole completions in one SSE
event, content as a list of parts, thinking in five places, tool arguments as objects. All of it is read here
and judged elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.probe.reading.completion.pieces import CallPieces, Pieces
from app.probe.reading.completion.thinking import EMPTY_BLOCK, set_thinking_aside
from app.probe.reading.faults import end_of
from app.probe.transport.answer import Answer, parsed

RAN = frozenset(
    {
        "length",
        "max_tokens",
        "tool_calls",
        "function_call",
        "stop",
        "eos",
        "end_turn",
        "stop_sequence",
        "eos_token",
        "tool_use",
        "content_filter",
    }
)
"""Ends that say that a model ran, as `Completion.end` spells them."""
CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_REPEATS = 3
"""How many deltas must each hold all of the text so far before a stream counts as cumulative."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made. `arguments` is the parsed object, None where the text was no JSON object."""

    name: str
    arguments: Mapping[str, Any] | None
    as_object: bool
    """The arguments came as an object in place of the string that the API specifies."""
    id: str = ""
    is_steady: bool = True
    """The id was the same in every piece of the stream that had one."""
    index: int | None = None
    """Its number in a stream, None where the pieces bore none."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The call as it stands in a whole answer, to be sent back."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer of a chat or completion route."""

    content: str
    """What was said, with a leading thinking block set aside: by messages, else by the `text` of choices."""
    reasoning: str
    calls: tuple[ToolCall, ...]
    finish: str | None
    model: str | None
    usage: Mapping[str, Any]
    streamed: bool
    deltas: int
    thinks: bool
    said_something: bool
    first_token_ms: int | None
    has_error: bool
    pieces: int = 0
    """How many stream pieces the tool calls came in."""
    fed: int = 0
    """How many deltas brought something: a role and an end alone are no stream."""
    text: str | None = None
    """What the choices hold as `text`, where completions have it; None where they hold none."""
    messages: int = 0
    """How many messages came, or deltas in a stream: what a chat client reads."""
    misplaced: bool = False
    """A choice holds words where no chat client reads them."""
    aside: str = ""
    """What a message holds beside content: a refusal, a picture, a sound."""
    is_cumulative: bool = False
    """Each delta of the stream held all of the text so far: a client shows it many times over."""
    logprobs: int = 0
    """How many tokens came with the log-probabilities of their alternatives."""
    message: Mapping[str, Any] = field(default_factory=dict)
    """The message of a whole answer as it came, to be sent back."""
    is_hollow: bool = False
    """A block of thinking came in which nothing stands."""
    thought_in: str = ""
    """The field of the message that held thinking as text."""

    @property
    def end(self) -> str:
        """The finish reason in lower case, without what follows a colon."""
        return end_of(self.finish)

    @property
    def cut(self) -> bool:
        """The token limit ended it."""
        return self.end in CUT

    @property
    def held_back(self) -> bool:
        """A filter ended it, or the model refused, before it said anything."""
        filtered = self.end == "content_filter" or self.aside == "a refusal"
        return filtered and not (self.content or self.calls)


def read_completion(answer: Answer) -> Completion | None:
    """The answer read as a completion, whatever its label; None where it holds no choice at all."""
    whole = answer.json
    if isinstance(whole, Mapping):
        heard = Pieces(streamed=False)
        heard.add(whole, answer.first_byte_ms)
    else:
        heard = Pieces(streamed=True)
        for at_ms, text in answer.events:
            piece = parsed(text)
            if isinstance(piece, Mapping):
                heard.add(piece, at_ms)
    return _completion(heard) if heard.choices else None


def _call(mine: CallPieces) -> ToolCall:
    arguments = mine.object if mine.object is not None else parsed(mine.text)
    return ToolCall(
        mine.name,
        arguments if isinstance(arguments, Mapping) else None,
        mine.object is not None,
        mine.id,
        mine.is_steady,
        mine.index,
        mine.raw,
    )


def _completion(heard: Pieces) -> Completion:
    is_cumulative = heard.streamed and _grows(heard.content)
    raw = heard.content[-1] if is_cumulative else "".join(heard.content if heard.messages else heard.texts)
    content, thought = set_thinking_aside(raw)
    reasoning = "".join(heard.reasoning) + thought
    if reasoning.strip() == content:
        reasoning = ""  # a parser of another family put the answer there too
    return Completion(
        content=content,
        reasoning=reasoning,
        calls=tuple(_call(mine) for mine in heard.calls.values()),
        finish=heard.finish,
        model=heard.model,
        usage=heard.usage,
        streamed=heard.streamed,
        deltas=heard.deltas,
        thinks=bool(reasoning.strip()) or reasoning_tokens(heard.usage) > 0,
        said_something=bool(raw.strip() or reasoning.strip() or heard.calls or heard.aside),
        first_token_ms=heard.first_token_ms,
        has_error=heard.has_error,
        pieces=heard.pieces,
        fed=heard.fed,
        text="".join(heard.texts) if heard.has_text else None,
        messages=heard.messages,
        misplaced=heard.misplaced and not heard.messages,
        aside=" and ".join(dict.fromkeys(heard.aside)),
        is_cumulative=is_cumulative,
        logprobs=heard.logprobs,
        message=heard.message,
        is_hollow=not reasoning and bool(EMPTY_BLOCK.match(raw)),
        thought_in=heard.thought_in,
    )


def _grows(pieces: Sequence[str]) -> bool:
    """Whether each piece holds the one before it, and more."""
    pairs = list(zip(pieces, pieces[1:], strict=False))
    grown = [len(later) > len(before) and later.startswith(before) for before, later in pairs]
    return len(grown) + 1 >= _REPEATS and all(grown)


def reasoning_tokens(usage: Mapping[str, Any]) -> int:
    """Reasoning tokens as the usage states them, 0 where it does not."""
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    for place in (details, usage):
        if isinstance(place, Mapping):
            count = tokens(place, "reasoning_tokens")
            if count is not None:
                return count
    return 0


def tokens(usage: Mapping[str, Any], name: str) -> int | None:
    """A count of the usage as a whole number, or None where it is absent, null or no count."""
    value = usage.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if math.isfinite(value) and value >= 0 else None
