"""What an answer of the Responses API says, whole or put together from its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.probe.model_types.chat.state import COUNTED
from app.probe.reading.completion.whole import reasoning_tokens
from app.probe.reading.faults import is_error_value
from app.probe.transport.answer import Answer, parsed


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the Responses API, whole or put together from its events."""

    words: str
    calls: tuple[tuple[str, str], ...]
    """Name and `call_id` of each function call."""
    is_cut: bool
    has_error: bool
    is_event_stream: bool
    deltas: int
    """How many events brought a piece of words or of arguments."""
    is_complete: bool
    thought: str
    """How it was seen that the model thinks; empty where it was not."""


def read_response(answer: Answer) -> Said | None:
    """What an answer says; None where it is none of this API."""
    events = [parsed(text) for _, text in answer.events] if answer.json is None else []
    pieces = [one for one in events if isinstance(one, Mapping)]
    whole = answer.json if isinstance(answer.json, Mapping) else _last_whole(pieces)
    deltas = [str(one["delta"]) for one in pieces if _is_delta(one)]
    if not isinstance(whole.get("output"), list) and not deltas:
        return None
    items = [one for one in whole.get("output") or () if isinstance(one, Mapping)]
    words = "".join(_words(items)) or "".join(deltas)
    status = str(whole.get("status") or "")
    failed = is_error_value(whole.get("error")) or status == "failed"
    return Said(
        words=words.strip(),
        calls=tuple((str(i.get("name")), str(i.get("call_id") or "")) for i in items if _is_call(i)),
        is_cut=status == "incomplete" or bool(whole.get("incomplete_details")),
        has_error=failed or any(one.get("type") in ("error", "response.failed") for one in pieces),
        is_event_stream=bool(pieces),
        deltas=len(deltas),
        is_complete=any(one.get("type") in _ENDS for one in pieces),
        thought=_thought(whole, items),
    )


_ENDS = ("response.completed", "response.incomplete", "response.done")


def _last_whole(pieces: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    found = (one["response"] for one in reversed(pieces) if isinstance(one.get("response"), Mapping))
    return next(found, {})


def _is_delta(event: Mapping[str, Any]) -> bool:
    kind = str(event.get("type"))
    told = kind.endswith(("output_text.delta", "function_call_arguments.delta"))
    return told and isinstance(event.get("delta"), str) and bool(event["delta"])


def _is_call(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "function_call" and bool(item.get("name"))


def _words(items: list[Mapping[str, Any]]) -> Iterator[str]:
    for item in items:
        content = item.get("content") if item.get("type", "message") == "message" else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, Mapping):
                yield str(part.get("text") or part.get("refusal") or "")


def _thought(whole: Mapping[str, Any], items: list[Mapping[str, Any]]) -> str:
    usage = whole.get("usage")
    if isinstance(usage, Mapping) and reasoning_tokens(usage):
        return COUNTED
    thinks = any(item.get("type") == "reasoning" for item in items)
    return "An answer of the Responses API held reasoning." if thinks else ""
