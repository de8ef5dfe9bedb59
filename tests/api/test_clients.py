"""Clients that others wrote, against a running Muster."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from orq_ai_sdk import Orq
from orq_ai_sdk.models import APIDefaultError

from app.practice_models import KEY
from tests.api.conftest import Endpoint
from tests.conftest import LiveServer, new_token


@pytest.fixture
def orq(live_server: LiveServer) -> Orq:
    """The client with its server URL and token set, and nothing else."""
    return Orq(api_key=new_token(live_server.app, "write"), server_url=live_server.url)


def wanted(endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    good = {
        "api_key": KEY, "base_url": endpoint.base_url, "display_name": "Ours", "model_id": "practice-chat",
        "model_type": "chat", "region": "us",
    }  # fmt: skip
    return good | changes


def test_create_read_update_enable_delete(orq: Orq, endpoint: Endpoint, live_server: LiveServer) -> None:
    made = orq.models.create_openai_like(
        **wanted(
            endpoint,
            description="By a client",
            input_cost=0.5,
            output_cost=1.5,
            max_tokens=2048,
            temperature=0.3,
            supports_vision=False,
            supports_tool_calling=True,
            has_reasoning=False,
            benchmark_model="gpt-4o",
            configuration={"model_id": "practice-chat"},
        )
    )
    assert (made.display_name, made.input_cost, made.description) == ("Ours", 0.5, "By a client")
    assert made.metadata.supports_vision is False and made.metadata.supports_tool_calling is True
    assert made.metadata.supports_reasoning is False and made.metadata.supports_streaming is True
    assert made.configuration.model_id == "practice-chat"
    listed = orq.models.list()
    assert listed.data is not None
    assert [(entry.id, entry.object, entry.owned_by) for entry in listed.data] == [
        ("practice-chat", "model", "openailike")
    ]
    changed = orq.models.update_openai_like(
        id=made.id, display_name="Renamed", model_type="chat", region="eu", input_cost=0
    )
    assert (changed.display_name, changed.input_cost, changed.output_cost) == ("Renamed", 0, 1.5)
    assert changed.metadata.region == "eu" and changed.metadata.supports_vision is False
    orq.models.disable(model_id=made.id)
    assert orq.models.list().data == []
    orq.models.enable(model_id=made.id)
    orq.models.delete(id=made.id)
    with pytest.raises(APIDefaultError) as caught:
        orq.models.delete(id=made.id)
    assert caught.value.status_code == 404


def test_a_rejection_is_an_error_with_the_words(orq: Orq, endpoint: Endpoint) -> None:
    with pytest.raises(APIDefaultError) as caught:
        orq.models.create_openai_like(**wanted(endpoint, api_key="sk-no"))
    assert caught.value.status_code == 400 and '"invalid_credentials"' in caught.value.body


def test_the_openai_client_lists_the_models(orq: Orq, endpoint: Endpoint, live_server: LiveServer) -> None:
    orq.models.create_openai_like(**wanted(endpoint))
    client = openai.OpenAI(api_key=new_token(live_server.app, "read"), base_url=f"{live_server.url}/v1")
    assert [model.id for model in client.models.list()] == ["practice-chat"]
