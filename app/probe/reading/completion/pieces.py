"""Gathers what a chat or completion answer holds: one whole answer, or the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.probe.reading.completion.thinking import FIELDS, PARTS
from app.probe.reading.faults import ends_in_error, is_error_value
from app.probe.reading.refusal import printable

_BESIDE = {"refusal": "a refusal", "images": "a picture", "audio": "a sound"}


@dataclass(slots=True)
class CallPieces:
    """One tool call, as far as it has come."""

    index: int | None
    raw: Mapping[str, Any]
    """Its first piece: the whole call where it does not come in a stream."""
    id: str = ""
    name: str = ""
    text: str = ""
    """Its arguments, where they come as the string that the API specifies."""
    object: Mapping[str, Any] | None = None
    """Its arguments, where they come as an object."""
    is_steady: bool = True

    def add(self, call: Mapping[str, Any], function: Mapping[str, Any]) -> None:
        """One more piece."""
        if isinstance(call.get("id"), str) and call["id"]:
            self.is_steady = self.is_steady and self.id in ("", call["id"])
            self.id = self.id or call["id"]
        if isinstance(function.get("name"), str) and function["name"] != self.name:
            self.name += function["name"]
        arguments = function.get("arguments")
        if isinstance(arguments, Mapping):
            self.object = arguments
        elif isinstance(arguments, str):
            self.text += arguments


@dataclass(slots=True)
class Pieces:
    """What has come so far; the fields that `Completion` has too are explained there."""

    streamed: bool
    content: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[Any, CallPieces] = field(default_factory=dict)
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

    def add(self, piece: Mapping[str, Any], at_ms: int | None) -> None:
        """A whole answer, or the data of one event; `at_ms` is when it came."""
        self.has_error = self.has_error or is_error_value(piece.get("error"))
        if isinstance(piece.get("model"), str) and piece["model"]:
            self.model = printable(piece["model"])
        if isinstance(piece.get("usage"), Mapping):
            self.usage.update({name: value for name, value in piece["usage"].items() if value is not None})
        choices = piece.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping):
                self.choices += 1
                self.has_error = self.has_error or ends_in_error(choice)
                self._add_choice(choice, at_ms)

    @property
    def _amount(self) -> int:
        """How many pieces of anything came so far."""
        said = len(self.content) + len(self.texts) + len(self.aside)
        return said + len(self.reasoning) + self.pieces

    def _add_choice(self, choice: Mapping[str, Any], at_ms: int | None) -> None:
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self.finish = finish
        before = self._amount
        # A delta is read in streams only: no client looks for one in a whole answer.
        delta = choice.get("delta") if self.streamed else None
        self._add_text(choice)
        self.logprobs += _alternatives(choice.get("logprobs"))
        if isinstance(choice.get("message"), Mapping):
            self.message = choice["message"]
        for part in (choice.get("message"), delta):
            if isinstance(part, Mapping):
                self.messages += 1
                self._add_message(part)
        self.misplaced = self.misplaced or any(choice.get(name) for name in ("text", "message", "delta"))
        self.deltas += isinstance(delta, Mapping)
        self.fed += isinstance(delta, Mapping) and self._amount > before
        if self.first_token_ms is None and self._amount > before:
            self.first_token_ms = at_ms

    def _add_text(self, choice: Mapping[str, Any]) -> None:
        self.has_text = self.has_text or "text" in choice
        if isinstance(choice.get("text"), str):
            self.texts.append(choice["text"])

    def _add_message(self, message: Mapping[str, Any]) -> None:
        for kind, text in _parts(message.get("content")):
            if text:
                (self.reasoning if kind == "thinking" else self.content).append(text)
        self.aside.extend(what for name, what in _BESIDE.items() if message.get(name))
        self._add_thoughts(message)
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, Mapping):
                self._add_call(call, place)

    def _add_thoughts(self, message: Mapping[str, Any]) -> None:
        for name in FIELDS:
            thoughts = [text for _, text in _parts(message.get(name)) if text]
            self.reasoning.extend(thoughts)
            self.thought_in = self.thought_in or (name if thoughts else "")
        details = message.get("reasoning_details")
        if isinstance(details, list):
            self.reasoning.extend(
                str(d.get("text") or d.get("summary") or "…") for d in details if isinstance(d, Mapping)
            )

    def _add_call(self, call: Mapping[str, Any], place: int) -> None:
        self.pieces += 1
        function = call.get("function")
        if not isinstance(function, Mapping):
            return
        index = call["index"] if isinstance(call.get("index"), int) else None
        number = place if index is None else index
        key: Any = self.latest.get(number, number)
        # Some servers number every streamed call 0: a new id together with a new name begins a new call.
        known = self.calls.get(key)
        if known and call.get("id") and known.id and call["id"] != known.id and function.get("name"):
            key = self.latest[number] = (number, call["id"])
        self.calls.setdefault(key, CallPieces(index, call)).add(call, function)


def _alternatives(logprobs: Any) -> int:
    """How many tokens have log-probabilities of other tokens beside their own."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    listed = content if isinstance(content, list) else ()
    return sum(bool(isinstance(one, Mapping) and one.get("top_logprobs")) for one in listed)


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
