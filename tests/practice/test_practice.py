"""The practice endpoint: good answers, OpenAI's errors, loopback only."""

from __future__ import annotations

import base64
import http.client
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from app.practice.api import Practice
from app.practice.media import COLOURS, halves, png, silent_mp3, silent_wav
from app.practice.models import KEY
from app.practice.server import PracticeServer, loopback
from app.practice.wire import Reply, Request

JSON = Any
OK = "Reply with the single word OK."
CITIES = "What is the weather in Oslo and in Lima? Use the tool for each city."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[PracticeServer]:
    """The practice endpoint on a free port."""
    started = PracticeServer(Practice().respond)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(server: PracticeServer) -> Iterator[openai.OpenAI]:
    """OpenAI's own client with the right key."""
    url = f"http://127.0.0.1:{server.server_port}/v1"
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as made:
        yield made


def said(client: openai.OpenAI, text: JSON, model: str = "practice-chat", **more: Any) -> Any:
    """The first choice of a chat completion."""
    messages: Any = text if isinstance(text, list) else [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages, **more).choices[0]


def asked(
    body: JSON | bytes, path: str = "/v1/chat/completions", key: str = KEY, method: str = "POST"
) -> Reply:
    """The reply to one request, without a server."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"} if key else {}
    return Practice().respond(Request(method, path, "", headers, raw))


def good(**changes: Any) -> dict[str, JSON]:
    """A good chat request with these fields changed; None leaves one out."""
    body = {"model": "practice-chat", "messages": [{"role": "user", "content": OK}]} | changes
    return {name: value for name, value in body.items() if value is not None}


def test_a_plain_request_is_answered(client: openai.OpenAI) -> None:
    choice = said(client, OK, max_tokens=16)
    assert (choice.message.content, choice.finish_reason) == ("OK", "stop")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_is_obeyed(client: openai.OpenAI, role: str) -> None:
    orders = {"role": role, "content": 'Begin every answer with the word "maple".'}
    assert said(client, [orders, {"role": "user", "content": OK}]).message.content.startswith("maple")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer(client: openai.OpenAI, name: str) -> None:
    limit: dict[str, Any] = {name: 8}
    choice = said(client, "Please count from 1 to 50.", **limit)
    assert choice.finish_reason == "length"
    assert choice.message.content.startswith("1, 2")


def test_a_stream_joins_to_the_answer_and_ends_with_its_usage(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="practice-chat",
            messages=[{"role": "user", "content": "Please count from 1 to 9."}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 9


def test_a_tool_is_called_for_each_city(client: openai.OpenAI) -> None:
    calls = said(client, CITIES, tools=[WEATHER]).message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Lima"}]


def test_without_parallel_calls_there_is_one(client: openai.OpenAI) -> None:
    assert len(said(client, CITIES, tools=[WEATHER], parallel_tool_calls=False).message.tool_calls) == 1


def test_a_forced_tool_is_called_whatever_was_said(client: openai.OpenAI) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in (named, "required"):
        answer = said(client, "Good morning to you.", tools=[WEATHER], tool_choice=choice)
        assert answer.finish_reason == "tool_calls"
    assert said(client, CITIES, tools=[WEATHER], tool_choice="none").message.tool_calls is None


def test_a_tool_is_left_alone_where_nothing_suggests_it(client: openai.OpenAI) -> None:
    assert said(client, "Good morning to you.", tools=[WEATHER]).message.tool_calls is None


def test_the_arguments_keep_to_the_enumeration(client: openai.OpenAI) -> None:
    tool = json.loads(json.dumps(WEATHER))
    tool["function"] |= {"strict": True}
    tool["function"]["parameters"]["properties"]["city"]["enum"] = ["zorkville"]
    calls = said(client, CITIES, tools=[tool]).message.tool_calls
    assert json.loads(calls[0].function.arguments) == {"city": "zorkville"}


def test_streamed_calls_join_to_json(client: openai.OpenAI) -> None:
    pieces: dict[int, str] = {}
    asking: Any = {"messages": [{"role": "user", "content": CITIES}], "tools": [WEATHER], "stream": True}
    for chunk in client.chat.completions.create(model="practice-chat", **asking):
        for call in chunk.choices[0].delta.tool_calls or []:
            pieces[call.index] = pieces.get(call.index, "") + (call.function.arguments or "")
    assert [json.loads(text) for text in pieces.values()] == [{"city": "Oslo"}, {"city": "Lima"}]


def test_one_model_ignores_tools_without_a_word(client: openai.OpenAI) -> None:
    answer = said(client, CITIES, "practice-chat-no-tools", tools=[WEATHER])
    assert answer.message.tool_calls is None and answer.message.content


def test_a_schema_is_kept(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string", "enum": ["zork"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    assert json.loads(said(client, OK, response_format=form).message.content) == {"answer": "zork"}


def test_an_object_is_written_with_the_key_that_was_named(client: openai.OpenAI) -> None:
    text = 'Answer as a JSON object with the key "maple".'
    answer = json.loads(said(client, text, response_format={"type": "json_object"}).message.content)
    assert list(answer) == ["maple"]


@pytest.mark.parametrize(("left", "right"), [("red", "white"), ("black", "yellow"), ("green", "blue")])
def test_the_halves_of_a_picture_are_seen(client: openai.OpenAI, left: str, right: str) -> None:
    url = "data:image/png;base64," + base64.b64encode(png(256, 256, COLOURS[left], COLOURS[right])).decode()
    text = "Which colour is the left half, which the right half? Answer like: left, right."
    content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    assert said(client, [{"role": "user", "content": content}]).message.content == f"{left}, {right}"


def test_a_picture_is_read_with_every_line_filter() -> None:
    """The filters of PNG are undone: a row of each kind gives the same colours."""
    width = 8
    plain = bytes((255, 255, 0)) * 4 + bytes((0, 0, 255)) * 4
    zero = bytes(width * 3)
    sub = bytes((plain[i] - (plain[i - 3] if i >= 3 else 0)) & 255 for i in range(len(plain)))
    average = bytes(
        (plain[i] - ((plain[i - 3] if i >= 3 else 0) + plain[i]) // 2) & 255 for i in range(len(plain))
    )
    rows = b"\x01" + sub + b"\x02" + zero + b"\x03" + average + b"\x04" + zero
    whole = png(width, 4, (0, 0, 0))
    at = whole.index(b"IDAT") - 4
    packed = zlib.compress(rows)
    chunk = (
        struct.pack(">I", len(packed)) + b"IDAT" + packed + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    )
    assert halves(whole[:at] + chunk + whole[at:][-12:]) == ("yellow", "blue")


def test_the_reasoning_model_thinks_first(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="practice-reasoning", messages=[{"role": "user", "content": OK}], reasoning_effort="low"
    )
    assert answer.choices[0].message.content == "OK"
    assert answer.choices[0].message.model_dump()["reasoning_content"]
    assert answer.usage and answer.usage.completion_tokens_details
    assert answer.usage.completion_tokens_details.reasoning_tokens


def test_responses_are_served(client: openai.OpenAI) -> None:
    assert client.responses.create(model="practice-chat", input=OK, max_output_tokens=16).output_text == "OK"


def test_embeddings_have_the_length_asked_for(client: openai.OpenAI) -> None:
    """The client asks for base64; both forms hold the same vector."""
    vector = client.embeddings.create(model="practice-embedding", input="a", dimensions=64).data[0].embedding
    plain = client.embeddings.create(
        model="practice-embedding", input="a", dimensions=64, encoding_format="float"
    ).data[0]
    assert len(vector) == 64
    assert vector == pytest.approx(plain.embedding, abs=1e-6)


def test_the_other_kinds_are_served(client: openai.OpenAI) -> None:
    assert (
        client.completions.create(model="practice-completion", prompt="Say hello").choices[0].text == "hello"
    )
    picture = client.images.generate(model="practice-image", prompt="a red square").data
    assert picture and halves(base64.b64decode(picture[0].b64_json or "")) == ("red", "red")
    edited = client.images.edit(
        model="practice-image", image=("a.png", png(8, 8, COLOURS["red"])), prompt="make it blue"
    ).data
    assert edited and halves(base64.b64decode(edited[0].b64_json or "")) == ("blue", "blue")
    heard = client.audio.transcriptions.create(model="practice-stt", file=("a.wav", silent_wav(1.0)))
    assert "1.0 seconds" in heard.text
    spoken = client.audio.speech.create(model="practice-tts", voice="alloy", input="Hello")
    assert spoken.content == silent_mp3()
    judged = client.moderations.create(model="practice-moderation", input="I will hurt you")
    assert judged.results[0].flagged


def test_ranks_follow_the_words() -> None:
    body = {"model": "practice-rerank", "query": "red apples", "documents": ["a blue car", "two red apples"]}
    results = asked(body, "/v1/rerank").json["results"]
    assert [row["index"] for row in results] == [1, 0]
    assert results[0]["relevance_score"] > results[1]["relevance_score"]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (good(model="nope"), 404, "model_not_found", None),
        (good(model=None), 400, None, None),
        (good(messages=None), 400, "missing_required_parameter", "messages"),
        (good(messages=[]), 400, "empty_array", "messages"),
        (good(messages="hello"), 400, "invalid_type", "messages"),
        (good(temperature=99), 400, "decimal_above_max_value", "temperature"),
        (good(temperature="hot"), 400, "invalid_type", "temperature"),
        (good(max_tokens=0), 400, "integer_below_min_value", "max_tokens"),
        (good(max_tokens=1.5), 400, "invalid_type", "max_tokens"),
        (good(stream="yes"), 400, "invalid_type", "stream"),
        (good(nonsense=1), 400, "unknown_parameter", "nonsense"),
        (good(tools=[]), 400, "empty_array", "tools"),
        (good(reasoning_effort="low"), 400, "unsupported_parameter", "reasoning_effort"),
        (good(response_format={"type": "xml"}), 400, "invalid_value", "response_format.type"),
        (good(response_format={"type": "json_object"}), 400, None, "messages"),
        (good(model="practice-embedding"), 404, None, "model"),
        (b"{", 400, None, None),
        (b"[1]", 400, None, None),
    ],
)
def test_bad_requests_get_openais_errors(
    body: JSON, status: int, code: str | None, param: str | None
) -> None:
    reply = asked(body)
    error = reply.json["error"]
    assert (reply.status, error["code"], error["param"]) == (status, code, param), error
    assert set(error) == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error"


def test_a_level_that_the_model_has_not_is_refused() -> None:
    reply = asked(good(model="practice-reasoning", reasoning_effort="xhigh"))
    assert (reply.status, reply.json["error"]["code"]) == (400, "unsupported_value")


def test_a_model_without_eyes_refuses_pictures() -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    reply = asked(good(model="practice-chat-no-tools", messages=[{"role": "user", "content": content}]))
    assert reply.status == 400 and "image_url is only supported" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,AAAA", "data:image/png;base64,%%%", "https://example.com/a.png"]
)
def test_what_is_no_picture_is_refused(url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    assert asked(good(messages=[{"role": "user", "content": content}])).status == 400


def test_a_wrong_key_is_refused_and_repeated_in_part_only() -> None:
    reply = asked(good(), key="sk-a-wrong-key-0123456789")
    assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
    assert "sk-a-wrong-key-0123456789" not in reply.json["error"]["message"]
    assert asked(good(), key="").status == 401


def test_a_path_that_is_not_served_is_404_and_another_method_405() -> None:
    assert (
        asked(good(), "/chat/completions").json["error"]["message"] == "Invalid URL (POST /chat/completions)"
    )
    assert asked(b"", "/v1/chat/completions", method="GET").status == 405


def test_the_catalog_lists_every_model_with_its_price(client: openai.OpenAI) -> None:
    listed = {model.id: model.model_dump() for model in client.models.list()}
    assert "practice-embedding" in listed
    assert listed["practice-chat"]["context_length"] == 32_768
    assert client.models.retrieve("practice-chat").id == "practice-chat"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


def test_a_connection_serves_one_request_after_the_other(server: PracticeServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for _ in range(3):
        body = json.dumps(good(stream=True))
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
        assert connection.getresponse().read().endswith(b"data: [DONE]\n\n")
    connection.close()


def test_no_page_of_another_origin_may_call_it(server: PracticeServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("OPTIONS", "/v1/chat/completions", headers={"Origin": "https://example.com"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status in (401, 404, 405)
    assert answer.getheader("Access-Control-Allow-Origin") is None
    connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        loopback(host)


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "app.practice", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        assert "practice-key" in started.stdout.readline()
        started.terminate()
