"""The endpoint's list of models in each of its shapes, its facts, and the ids closest to a missing one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.probe.reading.catalog import Catalog, read_catalog
from app.probe.reading.catalog_facts import metadata_of, type_of
from tests.probe.answers import Text, answered

JSON = Any

SHAPES: dict[str, JSON] = {
    "openai": {"object": "list", "data": [{"id": "a"}, {"id": "b"}]},
    "bare": [{"id": "a"}, {"id": "b"}],
    "names": ["a", "b"],
    "models": {"models": [{"name": "a"}, {"model": "b"}]},
    "result": {"success": True, "result": [{"name": "a"}, {"name": "b"}]},
    "by id": {"data": {"a": {"context_length": 1}, "b": None}},
    "nested": {"data": {"models": [{"id": "a"}, {"id": "b"}]}},
    "items": {"items": [{"model_id": "a"}, {"model_name": "b"}]},
    "with rubbish": {"data": [{"id": "a"}, None, 7, {"id": 7}, {}, {"id": ""}, {"id": "b"}, {"id": "a"}]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_list(shape: str) -> None:
    catalog = read_catalog(answered(200, SHAPES[shape]))
    assert (catalog.there, catalog.ids) == (True, ("a", "b"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"data": [{"id": "a"}]}),
        (200, {"error": "no", "data": [{"id": "a"}]}),
        (200, {"data": []}),
        (200, {"data": "a"}),
        (200, {}),
        (200, []),
        (200, 7),
        (200, Text("<html>")),
        (None, b""),
        (200, {"data": [{"id": "\ud800"}, {"id": "a\n"}, {"id": "m" * 301}]}),
    ],
)
def test_what_is_no_list(status: int | None, body: JSON) -> None:
    catalog = read_catalog(answered(status, body))
    assert not catalog.there
    assert catalog.listed("a") is None


def listing(*ids: str) -> Catalog:
    return read_catalog(answered(200, {"data": [{"id": name} for name in ids]}))


@pytest.mark.parametrize(
    ("listed", "asked", "found"),
    [
        ("llama3", "llama3", True),
        ("llama3:latest", "llama3", True),
        ("llama3", "llama3:latest", True),
        ("llama3:8b", "llama3", False),
        ("models/gemini-2", "gemini-2", True),
        ("gemini-2", "models/gemini-2", True),
        ("GPT-4o", "gpt-4O", True),
        ("gpt-4o", " gpt-4o ", True),
        ("openai/gpt-4o", "gpt-4o", False),
        ("gpt-4o", "gpt-4", False),
    ],
)
def test_variants_of_an_id(listed: str, asked: str, found: bool) -> None:
    assert listing("other", listed).listed(asked) is found


@pytest.mark.parametrize(
    ("ids", "asked", "first"),
    [
        (["whisper-1", "gpt-4o", "gpt-4o-mini", "o3", "tts", "dall-e"], "gpt-4o-min", "gpt-4o-mini"),
        (["meta-llama/Llama-3.3-70B", "Qwen/Qwen3-8B", "x", "y", "z", "w"], "Qwen3-8B", "Qwen/Qwen3-8B"),
        (["org/model", "other/thing", "x", "y", "z", "w"], "wrong/model", "org/model"),
        (["llama3.1:8b", "mistral", "x", "y", "z", "w"], "llama3.1", "llama3.1:8b"),
        (
            ["claude-haiku-4-5-20251001", "x", "y", "z", "w", "v"],
            "claude-haiku-4-5",
            "claude-haiku-4-5-20251001",
        ),
        (["a", "b"], "something-else", "a"),
    ],
)
def test_the_closest_id_comes_first(ids: list[str], asked: str, first: str) -> None:
    closest = listing(*ids).closest(asked)
    assert closest[0] == first
    assert len(set(closest)) == len(closest) <= 5


def test_the_typed_id_is_never_offered() -> None:
    """It was typed; what is offered in its place must be another."""
    assert listing("m1").closest("m1") == ()
    assert listing("m1", "m2").closest("m1") == ("m2",)
    assert listing(*(f"model-{n}" for n in range(9))).closest("model-3", 2)[0] != "model-3"


def test_nothing_is_close_in_a_long_list_of_others() -> None:
    assert listing(*(f"model-{n}" for n in range(9))).closest("zzzz") == ()


def test_a_list_of_thousands_is_searched_in_a_moment() -> None:
    catalog = listing(*(f"maker{n % 90}/model-{n}-instruct" for n in range(40_000)), "qwen/qwen3-8b")
    began = time.process_time()
    assert catalog.closest("qwen/qwen3-8")[0] == "qwen/qwen3-8b"
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("entry", "facts"),
    [
        (None, {}),
        ({}, {}),
        ({"max_model_len": 4096}, {"context_window": 4096}),
        ({"context_length": 9, "max_model_len": 8}, {"context_window": 8}),
        ({"context_window": 9, "max_completion_tokens": 3}, {"context_window": 9, "max_output_tokens": 3}),
        ({"meta": {"n_ctx_train": 7}}, {"context_window": 7}),
        (
            {"top_provider": {"context_length": 7, "max_completion_tokens": 2}},
            {"context_window": 7, "max_output_tokens": 2},
        ),
        ({"capabilities": {"limits": {"max_output_tokens": 5}}}, {"max_output_tokens": 5}),
        (
            {"max_input_tokens": 6, "max_output_tokens": 5},
            {"context_window": 6, "max_input_tokens": 6, "max_output_tokens": 5},
        ),
        ({"context_length": "4096"}, {}),
        ({"context_length": True}, {}),
        ({"context_length": 0}, {}),
        ({"context_length": -1}, {}),
        ({"context_length": float("inf")}, {}),
        ({"context_length": None, "context_window": 3.0}, {"context_window": 3}),
        ({"supported_parameters": ["tools", 7, "\ud800"]}, {"supported_parameters": ["tools"]}),
        ({"supported_parameters": "tools"}, {}),
        (
            {"pricing": {"prompt": "0.0000025", "completion": "0.00001"}},
            {"prices": {"input_cost": 2.5, "output_cost": 10.0}},
        ),
        ({"pricing": {"input": 0.88, "output": 0.9}}, {"prices": {"input_cost": 0.88, "output_cost": 0.9}}),
        ({"pricing": {"prompt": "0", "completion": "-1"}}, {"prices": {"input_cost": 0.0}}),
        ({"pricing": {"prompt": "much", "output": True}}, {}),
        ({"pricing": "free"}, {}),
    ],
)
def test_facts_of_an_entry(entry: JSON, facts: JSON) -> None:
    assert metadata_of(entry) == facts


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"type": "chat"}, "chat"),
        ({"type": "embeddings"}, "embedding"),
        ({"type": "llm"}, "chat"),
        ({"type": "vlm"}, "chat"),
        ({"mode": "rerank"}, "rerank"),
        ({"task": "text-generation"}, "chat"),
        ({"task": "automatic-speech-recognition"}, "stt"),
        ({"type": "text-to-speech"}, "tts"),
        ({"type": "image"}, "image"),
        ({"type": "image-generation"}, "image"),
        ({"type": "text-to-image"}, "image"),
        ({"endpoint": "/v1/images/generations"}, "image"),
        ({"pipeline_tag": "image-text-to-text"}, "chat"),
        ({"type": "speech-to-text"}, "stt"),
        ({"type": "completion"}, "completion"),
        ({"type": "base"}, "completion"),
        ({"mode": "realtime"}, "realtime"),
        ({"pipeline_tag": "feature-extraction"}, "embedding"),
        ({"model_info": {"mode": "embedding"}}, "embedding"),
        ({"type": "model"}, None),
        ({"object": "model", "owned_by": "chat"}, None),
        ({"endpoint": "/v1/audio/transcriptions"}, "stt"),
        ({"supported_endpoints": ["/v1/chat/completions", "/v1/responses"]}, "chat"),
        ({"type": "moderation"}, "moderation"),
        ({"architecture": {"modality": "text+image->text"}}, "chat"),
        ({"architecture": {"modality": "text->image"}}, "image"),
        ({"architecture": {"modality": "text->embeddings"}}, "embedding"),
        ({"architecture": "LlamaForCausalLM"}, None),
        ({"type": 7, "mode": None}, None),
    ],
)
def test_the_type_that_an_entry_states(entry: JSON, name: str | None) -> None:
    assert type_of(entry) == name
