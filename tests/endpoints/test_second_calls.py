"""The endpoints that break one capability, as a client sees them that joins streams by their index."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.endpoints.second_calls import BOTH, ONE
from tests.endpoints.second_every import SECOND
from tests.endpoints.second_responses import ASKED, LISTED
from tests.endpoints.test_good import told
from tests.endpoints.test_second_simulators import plainly

JSON = Any
BY_ID = {report.id: report for report in SECOND}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def streamed(name: str, asked: JSON) -> list[JSON]:
    """The events of a stream of this endpoint."""
    with BY_ID[name].endpoint() as endpoint:
        return told(plainly(BY_ID[name], endpoint, asked).body)


def joined(chunks: list[JSON]) -> dict[Any, str]:
    """The arguments of the calls of a stream, joined by their index alone."""
    found: dict[Any, str] = {}
    for piece in pieces(chunks):
        arguments = piece["function"].get("arguments") or ""
        found[piece.get("index")] = found.get(piece.get("index"), "") + arguments
    return found


def pieces(chunks: list[JSON]) -> list[JSON]:
    """The pieces of all calls of a stream."""
    return [
        one
        for chunk in chunks
        for choice in chunk["choices"]
        for one in choice["delta"].get("tool_calls", [])
    ]


@pytest.mark.parametrize("name", ["cap-stream-index-nought", "cap-stream-without-index"])
def test_two_calls_run_into_one(name: str) -> None:
    [arguments] = joined(streamed(name, BOTH | STREAM)).values()
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(arguments)


def test_the_second_call_repeats_the_first() -> None:
    calls = joined(streamed("cap-stream-repeats-the-first", BOTH | STREAM))
    assert len(calls) == 2 and len(set(calls.values())) == 1


def test_pieces_in_turns_join_to_two_calls() -> None:
    chunks = streamed("cap-stream-interleaved", BOTH | STREAM)
    assert [piece["index"] for piece in pieces(chunks)][:4] == [0, 1, 0, 1]
    assert [json.loads(one)["city"] for one in joined(chunks).values()] == ["Oslo", "Lima"]


def test_ids_change_from_piece_to_piece() -> None:
    ids = [piece["id"] for piece in pieces(streamed("cap-ids-change-in-the-stream", ONE | STREAM))]
    assert len(ids) > 2 and len(set(ids)) == len(ids)


def test_no_call_bears_an_id() -> None:
    assert not any("id" in piece for piece in pieces(streamed("cap-ids-missing", BOTH | STREAM)))


def usage(name: str) -> JSON:
    """The last usage that a stream told."""
    told_so = [chunk["usage"] for chunk in streamed(name, STREAM) if chunk.get("usage")]
    return told_so[-1] if told_so else None


def test_usage_at_the_end_of_streams() -> None:
    assert usage("cap-stream-without-usage") is None
    assert set(usage("cap-stream-usage-of-noughts").values()) == {0}
    assert usage("cap-stream-usage-beside-the-end")["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("name", "deltas", "completed"),
    [
        ("cap-responses-stream-three-events", False, True),
        ("cap-responses-stream-breaks-off", True, False),
        ("cap-responses-stream-lacks-one-event", True, True),
    ],
)
def test_events_that_are_left_out(name: str, deltas: bool, completed: bool) -> None:
    kinds = [event["type"] for event in streamed(name, ASKED | {"stream": True})]
    assert ("response.output_text.delta" in kinds) is deltas
    assert ("response.completed" in kinds) is completed


def test_a_system_message_of_parts_is_refused_or_dropped() -> None:
    for name, status in (("cap-system-parts-refused", 422), ("cap-system-parts-dropped", 200)):
        with BY_ID[name].endpoint() as endpoint:
            assert plainly(BY_ID[name], endpoint, LISTED).status == status


def test_a_grammar_leaves_no_room_for_a_call() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "note", "schema": {"type": "object"}}}
    with BY_ID["cap-schema-ends-all-calls"].endpoint() as endpoint:
        answer = plainly(BY_ID["cap-schema-ends-all-calls"], endpoint, ONE | {"response_format": form})
    assert "tool_calls" not in answer.json["choices"][0]["message"]
