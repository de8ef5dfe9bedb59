"""Whatever an endpoint answers: reading it never raises, and costs no more than its length deserves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.probe.base_url import Base
from app.probe.conversation.record import check_of
from app.probe.conversation.talk import Conversation
from app.probe.model_types import MODEL_TYPES
from app.probe.negotiation import learn
from app.probe.reading.catalog import read_catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.completion.whole import read_completion, reasoning_tokens, tokens
from app.probe.reading.meaning import meaning_of, worth_waiting
from app.probe.reading.named_fields import complained
from app.probe.reading.refusal import quote, read_refusal
from app.probe.shape import Shape
from app.probe.transport.answer import Answer
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits, Target
from tests.probe.answers import Text, answered

JSON = Any
KEY = "sk-simulated-0123456789abcdef"

NAMES = st.sampled_from(
    [
        *("error", "errors", "message", "detail", "details", "code", "type", "param", "loc", "msg", "status"),
        *(
            "reason",
            "metadata",
            "raw",
            "object",
            "data",
            "id",
            "model",
            "name",
            "choices",
            "delta",
            "content",
        ),
        *(
            "text",
            "reasoning",
            "reasoning_content",
            "reasoning_details",
            "tool_calls",
            "function",
            "arguments",
        ),
        *("index", "finish_reason", "usage", "completion_tokens", "completion_tokens_details"),
        *("reasoning_tokens", "base_resp", "status_code", "status_msg", "success", "embedding", "embeddings"),
        *("models", "results", "scores", "score", "relevance_score", "categories", "category_scores", "url"),
        *(
            "b64_json",
            "pricing",
            "prompt",
            "completion",
            "max_model_len",
            "context_length",
            "meta",
            "modality",
        ),
        *("architecture", "capabilities", "limits", "supported_parameters", "estimated_time", "retry_after"),
        *("retryDelay", "violations", "quotaId"),
    ]
)
WORDS = st.sampled_from(
    [
        *("model not found", "invalid api key", "rate limit", "max_tokens is too large: 9", "stream"),
        *("<think>", "</think>", "length", "stop", "tool_calls", "nan", "1e999", "try again in 7m12s"),
        *("\ud800", "\x00", "models/", "->", "chat", "image", "data:image/png;base64,AAAA", "[" * 3000),
    ]
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 1e308, float("inf"), 0, -1, True])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=20))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, st.text(max_size=5)), inner, max_size=6)
    ),
    max_leaves=24,
)
STATUSES = st.sampled_from([None, 100, 200, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503, 599])
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date", "content-type", "location"]),
    st.one_of(
        st.text(max_size=20), st.sampled_from(["Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400, "text/html"])
    ),
)
QUICKLY = settings(
    max_examples=50, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SENT = {"model": "m", "messages": [], "stream": False, "max_tokens": 16, "temperature": 1, "tools": []}


GOOD: tuple[JSON, ...] = (
    {
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "text": "t",
                "message": {
                    "content": [
                        {"type": "text", "text": "OK"},
                        {"type": "thinking", "thinking": [{"text": "x"}]},
                    ],
                    "reasoning": "r",
                    "reasoning_content": "r",
                    "reasoning_details": [{"text": "r"}],
                    "tool_calls": [{"id": "c", "index": 0, "function": {"name": "f", "arguments": "{}"}}],
                },
                "delta": {"content": "d", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
            }
        ],
        "usage": {"completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 1}},
    },
    {
        "data": [{"embedding": [0.1, 0.2], "index": 0, "b64_json": "iVBORw0KGgo=", "url": "http://x/"}],
        "model": "m",
    },
    {"embeddings": {"float": [[0.1, 0.2]]}, "embedding": [1]},
    {"results": [{"index": 0, "relevance_score": 0.5}, {"index": 1, "score": 0.1}], "model": "m"},
    [{"index": 0, "score": 0.5}, {"index": 1, "score": 0.1}],
    {"results": [{"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.1}}]},
    {"text": "", "segments": []},
    {
        "data": [
            {
                "id": "some/model",
                "max_model_len": 9,
                "context_length": 9,
                "type": "chat",
                "mode": "chat",
                "pricing": {"prompt": "0.1", "output": 2},
                "meta": {"n_ctx": 1},
                "capabilities": {"limits": {"max_output_tokens": 1}},
                "architecture": {"modality": "text->text"},
                "supported_parameters": ["tools"],
            }
        ]
    },
    {
        "error": {
            "message": "m",
            "code": 1,
            "details": [{"retryDelay": "2s", "violations": [{"quotaId": "q"}]}],
        }
    },
    {"detail": [{"loc": ["body", "max_tokens"], "msg": "Field required", "type": "missing"}]},
    {"base_resp": {"status_code": 1, "status_msg": "m"}, "estimated_time": 2.0},
)


@st.composite
def spoiled(draw: st.DrawFn, good: JSON, depth: int = 0) -> JSON:
    """A good answer of which parts are replaced by anything."""
    if depth and draw(st.integers(0, 5)) == 0:
        return draw(st.one_of(VALUES, NUMBERS))
    if isinstance(good, dict):
        return {name: draw(spoiled(value, depth + 1)) for name, value in good.items()}
    if isinstance(good, list):
        return [draw(spoiled(value, depth + 1)) for value in good]
    return good


def run() -> Conversation:
    """A talk with nobody."""
    endpoint = Target("http://endpoint.test/v1", KEY, "m")
    client = Client(EgressRules(), Limits())
    return Conversation(endpoint, Base.of(endpoint.base_url), client, Limits(), 0.0, lambda event: None, {})


TALK = run()


def read_in_every_way(answer: Answer) -> None:
    """Everything that reads an answer of an endpoint."""
    refusal = read_refusal(answer)
    judgement = meaning_of(refusal)
    worth_waiting(refusal, judgement)
    complained(refusal, SENT)
    learn(Shape(), refusal, SENT)
    shown = quote(refusal, KEY)
    assert shown.isprintable() and len(shown) <= 300
    assert len(refusal.all) <= 4100, "the rules read a text of bounded length"
    completion = read_completion(answer)
    if completion is not None:
        assert isinstance(tokens(completion.usage, "completion_tokens"), int | None)
        assert isinstance(reasoning_tokens(completion.usage), int)
    catalog = read_catalog(answer)
    for name, entry in catalog.entries.items():
        name.encode()
        assert json.dumps(metadata_of(entry), allow_nan=False).encode()
    catalog.closest("some/model")
    for model_type in MODEL_TYPES.values():
        proven = model_type.proof.judge(answer, TALK)
        evidence = str(getattr(proven, "evidence", None) or getattr(proven, "why", ""))
        request = model_type.proof.request(TALK, "m", Shape())
        check = check_of("proof", "passed", request, answer, evidence, TALK)
        assert json.dumps(check.as_dict(), allow_nan=False).encode()
        (getattr(proven, "model", None) or "").encode()


@given(STATUSES, VALUES, HEADERS)
@QUICKLY
def test_any_json_can_be_read(status: int | None, body: JSON, headers: dict[str, str]) -> None:
    read_in_every_way(answered(status, Text(json.dumps(body)), headers))


@pytest.mark.parametrize("good", GOOD)
@given(st.data())
@QUICKLY
def test_a_good_answer_spoiled_anywhere_can_be_read(good: JSON, data: st.DataObject) -> None:
    body = data.draw(spoiled(good))
    status = data.draw(STATUSES)
    read_in_every_way(answered(status, Text(json.dumps(body))))
    read_in_every_way(answered(200, Text(f"data: {json.dumps(body)}\n\n" * 2)))


@given(st.lists(VALUES, max_size=4), st.sampled_from(["data: ", "data:", "event: error\ndata: "]))
@QUICKLY
def test_any_stream_can_be_read(chunks: list[JSON], prefix: str) -> None:
    body = "".join(f"{prefix}{json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    read_in_every_way(answered(200, Text(body)))


@given(
    STATUSES,
    st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace"))),
)
@QUICKLY
def test_any_bytes_can_be_read(status: int | None, body: bytes) -> None:
    read_in_every_way(answered(status, body))


@given(st.text(alphabet="<>/!-scripttle &;\"'= \n", max_size=120))
@QUICKLY
def test_any_page_can_be_read(page: str) -> None:
    read_in_every_way(answered(403, Text("<html>" + page), {"content-type": "text/html"}))


MONSTROUS = (
    '{"data":[{"embedding":[1' + "0" * 400 + "]}]}",
    '{"data":[{"embedding":[NaN, Infinity, -Infinity]}]}',
    '{"results":[{"index":0,"relevance_score":1' + "0" * 400 + "}]}",
    '{"choices":[{"message":{"content":"x"}}],"usage":{"completion_tokens":1e999}}',
    '{"choices":[{"message":{"content":"x"}}],"usage":{"completion_tokens":NaN}}',
    '{"choices":[{"message":{"content":"x"}}],"usage":{"completion_tokens_details":{"reasoning_tokens":1e999}}}',
    '{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"' + "[" * 9000 + '"}}]}}]}',
    '{"choices":[{"message":{"content":"x"}}],"model":"\\ud800"}',
    '{"data":[{"id":"\\ud800"},{"id":"m\\u0000"}]}',
    '{"data":[{"id":"m","pricing":{"prompt":1' + "0" * 400 + "}}]}",
    '{"data":[{"id":"m","max_model_len":1' + "0" * 400 + "}]}",
    '{"data":[{"id":"m","supported_parameters":' + "[" * 900 + "NaN" + "]" * 900 + "}]}",
    '{"error":{"message":"x","retry_after":1' + "0" * 4000 + "}}",
    "data: " + "[" * 90_000 + "\n\n",
    'data: {"usage":' + "[" * 90_000 + "\n\n",
)


@pytest.mark.parametrize("body", MONSTROUS, ids=[body[:60] for body in MONSTROUS])
@pytest.mark.parametrize("status", [200, 429])
def test_monstrous_values_can_be_read(status: int, body: str) -> None:
    """Numbers that no float holds, halves of characters, nesting without end."""
    read_in_every_way(answered(status, Text(body)))


HOSTILE: dict[str, Callable[[int], str]] = {
    "open brackets": lambda size: "[" * size,
    "objects in objects": lambda size: '{"error":' * (size // 9),
    "angle brackets": lambda size: "<html>" + "<" * size,
    "scripts that never end": lambda size: "<html>" + "<script>" * (size // 8),
    "titles": lambda size: "<html>" + "<title>" * (size // 7),
    "comments": lambda size: "<html>" + "<!--" * (size // 4),
    "digits": lambda size: "try again in " + "1" * size,
    "waits": lambda size: "retry in " * (size // 9),
    "models": lambda size: "model " * (size // 6),
    "keys": lambda size: "invalid api_key_" * (size // 16),
    "events": lambda size: "data: {}\n\n" * (size // 10),
    "line ends": lambda size: "\n" * size,
    "thoughts": lambda size: json.dumps({"choices": [{"message": {"content": "<think>" * (size // 7)}}]}),
    "ends of thoughts": lambda size: json.dumps(
        {"choices": [{"message": {"content": "</think>" * (size // 8)}}]}
    ),
    "ids": lambda size: json.dumps({"data": [{"id": f"maker/model-{n}"} for n in range(size // 30)]}),
    "one id": lambda size: json.dumps({"data": [{"id": "m" * size}]}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_long_hostile_answer_costs_little(kind: str) -> None:
    """The cost of reading grows with the length, not with its square: half a megabyte within two seconds."""
    began = time.process_time()
    read_in_every_way(answered(400, Text(HOSTILE[kind](500_000))))
    assert time.process_time() - began < 2.0
