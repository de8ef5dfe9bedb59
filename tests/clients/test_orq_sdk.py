"""The Python client `orq-ai-sdk`, with nothing set but its server and token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import requests
from orq_ai_sdk import Orq
from orq_ai_sdk.models import APIDefaultError

from tests.load.running import Running

Good = dict[str, Any]


@pytest.fixture
def orq(empty: Running) -> Iterator[Orq]:
    """The client of a registry without models."""
    with Orq(api_key=empty.token, server_url=empty.url) as client:
        yield client


def read_back(muster: Running, id: str) -> dict[str, Any]:
    """The document as a plain GET gives it (this client has no call for that)."""
    headers = {"Authorization": f"Bearer {muster.token}"}
    answer = requests.get(f"{muster.url}/v2/models/{id}", headers=headers, timeout=10)
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def problem(error: pytest.ExceptionInfo[APIDefaultError]) -> dict[str, Any]:
    """The `error` of the body that the client carries."""
    told: dict[str, Any] = json.loads(error.value.body)["error"]
    return told


def test_a_model_is_made_and_read_back(orq: Orq, empty: Running, good: Good) -> None:
    made = orq.models.create_openai_like(**good)
    assert (made.model_id, made.model_type, made.display_name) == ("practice-chat", "chat", "Practice chat")
    assert (made.provider, made.enabled, made.is_active) == ("openailike", True, True)
    assert made.ref_id == "muster@openailike/practice-chat"
    assert made.configuration.base_url == good["base_url"]
    assert made.configuration.is_openai_compatible is True
    assert made.metadata.region == "on-prem" and made.metadata.supports_streaming is True
    assert made.has_functions is True
    assert datetime.fromisoformat(made.created).utcoffset() is not None
    kept = read_back(empty, made.id)
    assert kept == json.loads(made.model_dump_json(by_alias=True, exclude_unset=True))


def test_every_field_comes_back_as_it_was_sent(orq: Orq, good: Good) -> None:
    numbers: Good = {"input_cost": 0.25, "output_cost": 1.5, "cache_read_cost": 0.03, "cache_write_cost": 0.3}
    flags: Good = {"supports_tool_calling": True, "supports_strict_tool": False, "supports_vision": False}
    made = orq.models.create_openai_like(
        **(good | {"model_id": "our-slug"}),
        **numbers,
        **flags,
        cost_per_image=0.04,
        description="Für Übungen",
        has_reasoning=False,
        max_tokens=1024,
        temperature=0.3,
        supports_image_edit=False,
        benchmark_model="gpt-4o",
        configuration={"model_id": "practice-chat"},
    )
    assert (made.model_id, made.configuration.model_id) == ("our-slug", "practice-chat")
    assert (made.input_cost, made.output_cost, made.description) == (0.25, 1.5, "Für Übungen")
    meta = made.metadata
    assert {name: getattr(meta, name) for name in flags} == flags
    assert (meta.million_tokens_input_cost, meta.million_tokens_output_cost) == (0.25, 1.5)
    assert meta.pricing is not None and meta.pricing.input is not None
    assert (meta.pricing.input.cost, meta.pricing.input.per, meta.pricing.input.unit) == (
        0.25, 1_000_000, "tokens",
    )  # fmt: skip
    assert meta.supports_reasoning is False and meta.supports_image_edit is False
    defaults = {one.parameter: one.config for one in made.parameters or []}
    assert defaults["temperature"]["default"] == 0.3 and defaults["max_tokens"]["default"] == 1024


@pytest.mark.parametrize(
    ("model_id", "model_type"),
    [
        ("practice-chat-no-tools", "chat"),
        ("practice-completion", "completion"),
        ("practice-embedding", "embedding"),
    ],
)
def test_other_models_get_in(orq: Orq, good: Good, model_id: str, model_type: str) -> None:
    made = orq.models.create_openai_like(**(good | {"model_id": model_id, "model_type": model_type}))
    assert (made.model_id, made.model_type) == (model_id, model_type)
    assert made.metadata.embedding_dimensions == (256 if model_type == "embedding" else None)


def test_the_asynchronous_client_makes_one_too(empty: Running, good: Good) -> None:
    async def create() -> str:
        async with Orq(api_key=empty.token, server_url=empty.url) as client:
            made = await client.models.create_openai_like_async(**good)
            return str(made.model_id)

    # In a thread of its own: Playwright's synchronous API leaves a running event loop in the main one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, create()).result() == "practice-chat"


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"api_key": "sk-wrong"}, "invalid_credentials", "api_key"),
        ({"model_id": "practice-chatt"}, "model_not_found", "model_id"),
        ({"model_type": "embedding"}, "wrong_model_type", "model_type"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "endpoint_unreachable", "base_url"),
        ({"display_name": " "}, "too_short", "display_name"),
        ({"temperature": 3.0}, "out_of_range", "temperature"),
    ],
)
def test_what_is_refused_says_why(orq: Orq, good: Good, wrong: Good, code: str, field: str) -> None:
    with pytest.raises(APIDefaultError) as caught:
        orq.models.create_openai_like(**(good | wrong))
    told = problem(caught)
    assert caught.value.status_code == 400
    assert field in (told["field"], *(one["field"] for one in told.get("details", [])))
    assert code in (told["code"], *(one["code"] for one in told.get("details", [])))


def test_a_wrong_key_is_not_shown_in_the_error(orq: Orq, good: Good) -> None:
    with pytest.raises(APIDefaultError) as caught:
        orq.models.create_openai_like(**(good | {"api_key": "sk-wrong-0123456789"}))
    assert "sk-wrong-0123456789" not in str(caught.value) + str(caught.value.body)


def test_a_second_of_the_same_is_refused(orq: Orq, good: Good) -> None:
    first = orq.models.create_openai_like(**good)
    with pytest.raises(APIDefaultError) as caught:
        orq.models.create_openai_like(**good)
    assert (caught.value.status_code, problem(caught)["code"]) == (409, "already_exists")
    assert first.id in problem(caught)["message"]


def test_a_wrong_token_gets_401(empty: Running, good: Good) -> None:
    with Orq(api_key="mst_wrong", server_url=empty.url) as client, pytest.raises(APIDefaultError) as caught:
        client.models.create_openai_like(**good)
    assert (caught.value.status_code, problem(caught)["code"]) == (401, "invalid_api_key")


def test_an_update_changes_what_it_names(orq: Orq, good: Good) -> None:
    made = orq.models.create_openai_like(**good, input_cost=0.5, description="before")
    changed = orq.models.update_openai_like(
        id=made.id, display_name="Renamed", model_type="chat", region="europe", output_cost=2.0
    )
    assert (changed.id, changed.display_name, changed.metadata.region) == (made.id, "Renamed", "europe")
    assert (changed.input_cost, changed.output_cost, changed.description) == (0.5, 2.0, "before")


def test_an_update_to_another_model_probes_it(orq: Orq, empty: Running, good: Good) -> None:
    made = orq.models.create_openai_like(**good)
    same: Good = {"id": made.id, "display_name": "Practice chat", "model_type": "chat", "region": "on-prem"}
    changed = orq.models.update_openai_like(**same, model_id="practice-chat-no-tools")
    assert (changed.model_id, changed.has_functions) == ("practice-chat-no-tools", False)
    with pytest.raises(APIDefaultError) as caught:
        orq.models.update_openai_like(**same, model_id="not-there")
    assert (caught.value.status_code, problem(caught)["code"]) == (400, "model_not_found")
    assert read_back(empty, made.id)["model_id"] == "practice-chat-no-tools"


def test_a_deleted_model_is_gone(orq: Orq, good: Good) -> None:
    made = orq.models.create_openai_like(**good)
    orq.models.delete(id=made.id)
    with pytest.raises(APIDefaultError) as caught:
        orq.models.delete(id=made.id)
    assert (caught.value.status_code, problem(caught)["code"]) == (404, "not_found")


def test_the_list_holds_what_is_enabled(orq: Orq, good: Good) -> None:
    made = orq.models.create_openai_like(**good)
    listed = orq.models.list()
    assert listed.object == "list"
    assert [entry.id for entry in listed.data or []] == [made.model_id]
    for reference in (made.id, made.ref_id):
        orq.models.disable(model_id=reference)
        orq.models.disable(model_id=reference)
        assert not orq.models.list().data
        orq.models.enable(model_id=reference)
        orq.models.enable(model_id=reference)
        assert len(orq.models.list().data or []) == 1
