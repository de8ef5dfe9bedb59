"""The Python client `openai`: against the practice endpoint, and against the registry's list of models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests
from openai import OpenAI
from openai.types.chat import ChatCompletionToolParam

from app.practice.models import KEY, MODELS
from tests.load.running import Running

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ASK_WEATHER = "What is the weather in Oslo? Use the tool."


@pytest.fixture(scope="module")
def practice(muster: Running) -> Iterator[OpenAI]:
    """The client of the practice endpoint. It never repeats a call, so that a failure shows."""
    with OpenAI(base_url=muster.practice_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def registry(muster: Running) -> Iterator[OpenAI]:
    """The client of Muster itself."""
    with OpenAI(base_url=f"{muster.url}/v1", api_key=muster.token, max_retries=0) as client:
        yield client


def test_it_chats(practice: OpenAI) -> None:
    made = practice.chat.completions.create(
        model="practice-chat", messages=[{"role": "user", "content": "Reply with the single word OK."}]
    )
    assert made.choices[0].message.content and made.choices[0].finish_reason == "stop"
    assert made.usage is not None and made.usage.total_tokens > 0


def test_it_streams(practice: OpenAI) -> None:
    stream = practice.chat.completions.create(
        model="practice-chat",
        messages=[{"role": "user", "content": "Say something long."}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    spoken = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert len([piece for piece in spoken if piece]) > 1
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 0


def test_it_calls_tools(practice: OpenAI) -> None:
    made = practice.chat.completions.create(
        model="practice-chat", messages=[{"role": "user", "content": ASK_WEATHER}], tools=[WEATHER]
    )
    (call,) = made.choices[0].message.tool_calls or []
    assert call.type == "function" and call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_it_streams_tool_calls(practice: OpenAI) -> None:
    with practice.chat.completions.stream(
        model="practice-chat", messages=[{"role": "user", "content": ASK_WEATHER}], tools=[WEATHER]
    ) as stream:
        stream.until_done()
        made = stream.get_final_completion()
    (call,) = made.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_the_model_without_tools_calls_none(practice: OpenAI) -> None:
    made = practice.chat.completions.create(
        model="practice-chat-no-tools", messages=[{"role": "user", "content": ASK_WEATHER}], tools=[WEATHER]
    )
    assert not made.choices[0].message.tool_calls and made.choices[0].message.content


def test_it_keeps_a_json_schema(practice: OpenAI) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["cormorant"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    made = practice.chat.completions.create(
        model="practice-chat",
        messages=[{"role": "user", "content": "Choose a label. Answer in JSON."}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "choice", "schema": schema, "strict": True},
        },
    )
    assert json.loads(made.choices[0].message.content or "") == {"label": "cormorant"}


def test_it_embeds(practice: OpenAI) -> None:
    # The client asks for base64 unless told otherwise, and turns it into floats.
    made = practice.embeddings.create(model="practice-embedding", input=["one", "two"])
    assert [len(one.embedding) for one in made.data] == [256, 256]
    plain = practice.embeddings.create(model="practice-embedding", input="one", encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(made.data[0].embedding, abs=1e-6)


def test_it_answers_on_the_responses_route(practice: OpenAI) -> None:
    made = practice.responses.create(model="practice-chat", input="Reply with the single word OK.")
    assert made.status == "completed" and made.output_text


def test_it_lists_its_models(practice: OpenAI) -> None:
    assert {model.id for model in practice.models.list()} == {model.id for model in MODELS}
    assert practice.models.retrieve("practice-chat").id == "practice-chat"


def test_a_wrong_key_is_an_authentication_error(muster: Running) -> None:
    with (
        OpenAI(base_url=muster.practice_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model="practice-chat", messages=[{"role": "user", "content": "Hi"}])


def test_an_unknown_model_is_not_found(practice: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        practice.chat.completions.create(model="no-such", messages=[{"role": "user", "content": "Hi"}])


def test_the_registry_lists_what_is_enabled(registry: OpenAI, empty: Running, good: dict[str, Any]) -> None:
    assert list(registry.models.list()) == []
    with empty.session() as client:
        made = client.post(f"{empty.url}/v2/models/openai-like", json=good, timeout=30).json()
        (listed,) = registry.models.list()
        assert (listed.id, listed.object) == ("practice-chat", "model")
        assert listed.created > 1_700_000_000 and listed.owned_by
        assert registry.models.retrieve("practice-chat") == listed
        with pytest.raises(openai.NotFoundError):
            registry.models.retrieve("no-such-model")
        client.delete(f"{empty.url}/v2/workspace-models/{made['id']}", timeout=30).raise_for_status()
    assert list(registry.models.list()) == []


def test_the_registry_refuses_a_wrong_token(muster: Running) -> None:
    with (
        OpenAI(base_url=f"{muster.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_registered_model_is_used_as_it_stands(empty: Running, good: dict[str, Any]) -> None:
    """What the document says is all that a program needs, but for the key."""
    with empty.session() as client:
        answer = client.post(f"{empty.url}/v2/models/openai-like", json=good, timeout=30)
    assert answer.status_code == requests.codes.ok, answer.text
    document = answer.json()
    with OpenAI(base_url=document["configuration"]["base_url"], api_key=KEY, max_retries=0) as consumer:
        made = consumer.chat.completions.create(
            model=document["model_id"], messages=[{"role": "user", "content": "Hi"}]
        )
    assert made.choices[0].message.content
