"""The good endpoint of the simulations: what a client of these days asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endpoints.base import Simulator
from tests.endpoints.test_simulators import ask, chat

JSON = Any
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


@pytest.fixture
def good() -> Iterator[Simulator]:
    """A good endpoint, running."""
    with Simulator() as endpoint:
        yield endpoint


def tool(name: str, **properties: JSON) -> JSON:
    """A function with these properties, all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


WEATHER = tool("get_weather", city={"type": "string"})
FLAT = {"type": "function"} | WEATHER["function"]
BOTH = "What is the weather in Oslo and in Lima? Use the tool."


def said(content: JSON, role: str = "user") -> JSON:
    """One message."""
    return {"role": role, "content": content}


def message(good: Simulator, **body: Any) -> JSON:
    """The message that a chat request gets."""
    return ask(good, CHAT, chat("good-model", **body)).json["choices"][0]["message"]


def told(body: bytes) -> list[JSON]:
    """The events of a stream."""
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def test_a_result_is_used_in_the_second_turn(good: Simulator) -> None:
    calls = message(good, messages=[said(BOTH)], tools=[WEATHER])["tool_calls"]
    assert len({call["id"] for call in calls}) == 2
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"It is {degrees} degrees."}
        for call, degrees in zip(calls, (17, 29), strict=True)
    ]
    turn = [said(BOTH), {"role": "assistant", "content": None, "tool_calls": calls}, *results]
    answer = message(good, messages=turn, tools=[WEATHER])
    assert "17" in answer["content"] and "29" in answer["content"] and not answer.get("tool_calls")
    refused = ask(good, CHAT, chat("good-model", messages=turn[:-1], tools=[WEATHER]))
    assert refused.status == 400 and b"did not have response messages" in refused.body
    assert ask(good, CHAT, chat("good-model", messages=[said("x"), results[0]])).status == 400


def test_two_calls_in_one_stream(good: Simulator) -> None:
    body = chat("good-model", messages=[said(BOTH)], tools=[WEATHER], stream=True)
    chunks = told(ask(good, CHAT, body | {"stream_options": {"include_usage": True}}).body)
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    pieces = [
        piece
        for chunk in chunks
        for choice in chunk["choices"]
        for piece in choice["delta"].get("tool_calls", [])
    ]
    assert {piece["index"] for piece in pieces} == {0, 1}
    assert len({piece["id"] for piece in pieces if piece.get("id")}) == 2


def test_none_forbids_a_call(good: Simulator) -> None:
    answer = message(good, messages=[said(BOTH)], tools=[WEATHER], tool_choice="none")
    assert answer["content"] and "tool_calls" not in answer


def test_the_right_one_of_many_tools_is_called(good: Simulator) -> None:
    many = [tool(f"get_weather_{at}", city={"type": "string"}) for at in range(39)] + [WEATHER]
    nested = {
        "$defs": {"place": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}},
        "type": "object",
        "properties": {
            "where": {"$ref": "#/$defs/place"},
            "unit": {"enum": ["kelvin", "celsius"]},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    }
    many[20]["function"] |= {"name": "book_train", "parameters": nested}
    calls = message(good, messages=[said("Please book a train, in celsius.")], tools=many)["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["book_train"]
    arguments = json.loads(calls[0]["function"]["arguments"])
    assert arguments["where"] == {"day": "2026-03-01"} and arguments["unit"] == "celsius"


def test_a_system_message_of_parts(good: Simulator) -> None:
    parts = [{"type": "text", "text": 'Begin every answer with the word "walrus".'}]
    assert message(good, messages=[said(parts, "system"), said("Hello")])["content"].startswith("walrus")


def test_tools_and_a_schema_in_one_request(good: Simulator) -> None:
    schema = {"type": "object", "properties": {"report": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "report", "schema": schema}}
    [call] = message(
        good, messages=[said("What is the weather in Oslo?")], tools=[WEATHER], response_format=form
    )["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "17 degrees"}
    turn = [said("What is the weather in Oslo?"), {"role": "assistant", "tool_calls": [call]}, result]
    answer = message(good, messages=turn, tools=[WEATHER], response_format=form)
    assert json.loads(answer["content"]) == {"report": "17 degrees"}


def test_the_responses_api_calls_tools_and_uses_results(good: Simulator) -> None:
    asked = {"model": "good-model", "input": BOTH, "tools": [FLAT]}
    calls = ask(good, RESPONSES, asked).json["output"]
    assert [call["type"] for call in calls] == ["function_call"] * 2
    results = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "17 degrees"} for call in calls
    ]
    turn = [{"type": "message"} | said(BOTH), *calls, *results]
    [item] = ask(good, RESPONSES, asked | {"input": turn}).json["output"]
    assert "17 degrees" in item["content"][0]["text"]


@pytest.mark.parametrize(("tools", "kind"), [([], "message"), ([FLAT], "function_call")])
def test_the_responses_api_streams(good: Simulator, tools: list[JSON], kind: str) -> None:
    body = {"model": "good-model", "input": "What is the weather in Oslo?", "stream": True}
    events = told(ask(good, RESPONSES, body | ({"tools": tools} if tools else {})).body)
    assert events[0]["type"] == "response.created" and events[-1]["type"] == "response.completed"
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert events[-1]["response"]["output"][0]["type"] == kind
    joined = "".join(one["delta"] for one in events if one["type"].endswith(".delta"))
    assert joined and joined in json.dumps(events[-1], ensure_ascii=False).replace('\\"', '"')


def test_a_compressed_sound_is_heard() -> None:
    with Simulator(model_id="whisper-1", model_type="stt") as endpoint:
        form = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = form % (b"model", b"whisper-1") + form % (b"file", b"OggS...") + b"--x--\r\n"
        assert endpoint.server
        got = ask(endpoint, "/v1/audio/transcriptions", body, Content_Type="multipart/form-data; boundary=x")
        assert got.json["text"]
