"""What a chat or completion answer says, from JSON and from any kind of stream, as one value.

Working servers send streams labelled JSON, JSON where a stream was asked, whole completions in one SSE
event, content as a list of parts, thinking in five places, tool arguments as objects. All of it is read here
and judged elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.probe.reading.faults import end_of, ends_in_error, is_error_value
from app.probe.reading.refusal import printable
from app.probe.reading.thinking import EMPTY_BLOCK, FIELDS, PARTS, set_thinking_aside
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
"""Ends that say that a model ran, as `Spoken.end` spells them."""
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


@dataclass(slots=True)
class _Pieces:
    content: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[Any, dict[str, Any]] = field(default_factory=dict)
    latest: dict[int, Any] = field(default_factory=dict)
    """The call that pieces of a number belong to, where one number was given to several."""
    finish: str | None = None
    model: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    choices: int = 0
    deltas: int = 0
    pieces: int = 0
    fed: int = 0
    messages: int = 0
    has_text: bool = False
    misplaced: bool = False
    first_token_ms: int | None = None
    has_error: bool = False
    logprobs: int = 0
    message: Mapping[str, Any] = field(default_factory=dict)
    thought_in: str = ""

    @property
    def amount(self) -> int:
        """How many pieces of anything came so far."""
        refusal = len(self.content) + len(self.texts) + len(self.aside)
        return refusal + len(self.reasoning) + self.pieces


def read_completion(answer: Answer) -> Completion | None:
    """The answer read as a completion, whatever its label; None where it holds no choice at all."""
    heard = _Pieces()
    whole = answer.json
    streamed = False
    if isinstance(whole, Mapping):
        _hear(heard, whole, answer.first_byte_ms, streamed)
    else:
        for at_ms, text in answer.events:
            streamed = True
            piece = parsed(text)
            if isinstance(piece, Mapping):
                _hear(heard, piece, at_ms, streamed)
    if not heard.choices:
        return None
    return _spoken(heard, streamed)


def _hear(heard: _Pieces, piece: Mapping[str, Any], at_ms: int | None, streamed: bool) -> None:
    heard.has_error = heard.has_error or is_error_value(piece.get("error"))
    if isinstance(piece.get("model"), str) and piece["model"]:
        heard.model = printable(piece["model"])
    if isinstance(piece.get("usage"), Mapping):
        heard.usage.update({name: value for name, value in piece["usage"].items() if value is not None})
    choices = piece.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, Mapping):
            heard.choices += 1
            heard.has_error = heard.has_error or ends_in_error(choice)
            _hear_choice(heard, choice, at_ms, streamed)


def _hear_choice(heard: _Pieces, choice: Mapping[str, Any], at_ms: int | None, streamed: bool) -> None:
    finish = choice.get("finish_reason")
    if isinstance(finish, str) and finish:
        heard.finish = finish
    before = heard.amount
    # A delta is read in streams only: no client looks for one in a whole answer.
    delta = choice.get("delta") if streamed else None
    _hear_text(heard, choice)
    heard.logprobs += _alternatives(choice.get("logprobs"))
    if isinstance(choice.get("message"), Mapping):
        heard.message = choice["message"]
    for part in (choice.get("message"), delta):
        if isinstance(part, Mapping):
            heard.messages += 1
            _hear_message(heard, part)
    heard.misplaced = heard.misplaced or any(choice.get(name) for name in ("text", "message", "delta"))
    heard.deltas += isinstance(delta, Mapping)
    heard.fed += isinstance(delta, Mapping) and heard.amount > before
    if heard.first_token_ms is None and heard.amount > before:
        heard.first_token_ms = at_ms


def _alternatives(logprobs: Any) -> int:
    """How many tokens have log-probabilities of other tokens beside their own."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    listed = content if isinstance(content, list) else ()
    return sum(bool(isinstance(one, Mapping) and one.get("top_logprobs")) for one in listed)


def _hear_text(heard: _Pieces, choice: Mapping[str, Any]) -> None:
    heard.has_text = heard.has_text or "text" in choice
    if isinstance(choice.get("text"), str):
        heard.texts.append(choice["text"])


_BESIDE = {"refusal": "a refusal", "images": "a picture", "audio": "a sound"}


def _hear_message(heard: _Pieces, message: Mapping[str, Any]) -> None:
    for kind, text in _parts(message.get("content")):
        if text:
            (heard.reasoning if kind == "thinking" else heard.content).append(text)
    heard.aside.extend(what for name, what in _BESIDE.items() if message.get(name))
    for name in FIELDS:
        thoughts = [text for _, text in _parts(message.get(name)) if text]
        heard.reasoning.extend(thoughts)
        heard.thought_in = heard.thought_in or (name if thoughts else "")
    details = message.get("reasoning_details")
    if isinstance(details, list):
        heard.reasoning.extend(
            str(d.get("text") or d.get("summary") or "…") for d in details if isinstance(d, Mapping)
        )
    calls = message.get("tool_calls")
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, Mapping):
            _hear_call(heard, call, place)


def _hear_call(heard: _Pieces, call: Mapping[str, Any], place: int) -> None:
    heard.pieces += 1
    function = call.get("function")
    if not isinstance(function, Mapping):
        return
    index = call.get("index")
    number = index if isinstance(index, int) else place
    key: Any = heard.latest.get(number, number)
    # Some servers number every streamed call 0: a new id together with a new name begins a new call.
    known = heard.calls.get(key)
    if known and call.get("id") and known["id"] and call["id"] != known["id"] and function.get("name"):
        key = heard.latest[number] = (number, call["id"])
    mine = heard.calls.setdefault(
        key,
        {"id": None, "name": "", "text": "", "object": None, "steady": True, "index": index, "raw": call},
    )
    if isinstance(call.get("id"), str) and call["id"]:
        mine["steady"] = mine["steady"] and mine["id"] in (None, call["id"])
        mine["id"] = mine["id"] or call["id"]
    if isinstance(function.get("name"), str) and function["name"] != mine["name"]:
        mine["name"] += function["name"]
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping):
        mine["object"] = arguments
    elif isinstance(arguments, str):
        mine["text"] += arguments


def _parts(content: Any) -> Iterator[tuple[str, str]]:
    """Pairs (kind, text) of a content that is a string, a list of parts, or None."""
    if isinstance(content, str):
        yield "text", content
    elif isinstance(content, Mapping):
        yield "text", str(content.get("text") or "")
    elif isinstance(content, Sequence):
        for part in content:
            if isinstance(part, str):
                yield "text", part
            elif isinstance(part, Mapping):
                thinking = part.get("type") in PARTS or "thinking" in part or part.get("thought") is True
                inner = part.get("thinking") if thinking else part.get("text")
                text = "".join(t for _, t in _parts(inner)) if not isinstance(inner, str) else inner
                yield ("thinking" if thinking else "text"), text or ("…" if thinking else "")


def _call(mine: Mapping[str, Any]) -> ToolCall:
    arguments = mine["object"] if mine["object"] is not None else parsed(mine["text"])
    return ToolCall(
        mine["name"],
        arguments if isinstance(arguments, Mapping) else None,
        mine["object"] is not None,
        mine["id"] or "",
        mine["steady"],
        mine["index"] if isinstance(mine["index"], int) else None,
        mine["raw"],
    )


def _spoken(heard: _Pieces, streamed: bool) -> Completion:
    is_cumulative = streamed and _grows(heard.content)
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
        streamed=streamed,
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
