"""Clients of other ages and languages: an older `orq-ai-sdk`, `@orq-ai/node`, and `openai` for JavaScript."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from app.practice.models import KEY
from tests.clients.installed import node_clients, older_sdk
from tests.load.running import Running

JSON = Any


def run(command: list[str], muster: Running, **options: Any) -> JSON:
    """What a program prints as JSON, with nothing told to it but server and token."""
    environ = os.environ | {"TOKEN": muster.token, "MUSTER_URL": muster.url} | options.pop("env", {})
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def older_python(muster: Running, sent: str) -> JSON:
    """The journey with the older Python client."""
    command = [sys.executable, "-m", "tests.clients.orq_journey", sent]
    return run(command, muster, env={"PYTHONPATH": str(older_sdk())})


def javascript(muster: Running, sent: str) -> JSON:
    """The journey with the JavaScript client; its names become those of the wire again."""
    told = run(["node", "journey.mjs", sent], muster, cwd=node_clients())
    return _snake(told)


def _snake(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_snake(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {_snake_name(name): _snake(inner) for name, inner in value.items()}


def _snake_name(name: str) -> str:
    if name == "refId":
        return name
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("client", [older_python, javascript])
def test_a_whole_journey(client: Any, empty: Running) -> None:
    sent = {
        "api_key": KEY,
        "base_url": empty.practice_url,
        "display_name": "Practice chat",
        "model_id": "practice-chat",
        "model_type": "chat",
        "region": "on-prem",
        "description": "From outside",
        "input_cost": 0.25,
        "output_cost": 1.5,
        "cost_per_image": 0.04,
        "max_tokens": 512,
        "temperature": 0.5,
        "has_reasoning": False,
        "supports_image_edit": False,
        "supports_strict_tool": False,
        "supports_tool_calling": True,
        "supports_vision": False,
    }
    told = client(empty, json.dumps(sent))
    assert told["wrong_key"] == [400, "invalid_credentials"]
    assert told["wrong_model"] == [400, "model_not_found"]
    assert told["again"] == [409, "already_exists"]
    assert told["update_to_nothing"] == [400, "model_not_found"]
    assert told["deleted_again"] == [404, "not_found"]
    made, changed = told["created"], told["updated"]
    for name in ("display_name", "model_id", "model_type", "description", "input_cost", "output_cost"):
        assert made[name] == sent[name]
    metadata = made["metadata"]
    for name in ("region", "supports_strict_tool", "supports_tool_calling", "supports_vision"):
        assert metadata[name] == sent[name]
    assert (changed["id"], changed["display_name"]) == (made["id"], "Renamed")
    assert changed["metadata"]["region"] == "europe" and changed["input_cost"] == 0.25
    assert changed["created"] == made["created"]
    assert [entry["id"] for entry in told["listed"]["data"]] == ["practice-chat"]
    assert told["listed_disabled"]["data"] == [] and len(told["listed_enabled"]["data"]) == 1


def test_the_older_client_is_the_older_one() -> None:
    """Its requests know nothing of `configuration`: that is why it is here."""
    request = older_sdk() / "orq_ai_sdk" / "models" / "modelcreateopenailikeop.py"
    asked = request.read_text(encoding="utf-8").partition("class ModelCreateOpenAILikeResponseBody")[0]
    assert "supports_tool_calling" in asked and "configuration:" not in asked


def test_the_javascript_client_of_openai_lists_the_models(empty: Running, good: dict[str, JSON]) -> None:
    with empty.session() as client:
        client.post(f"{empty.url}/v2/models/openai-like", json=good, timeout=30).raise_for_status()
    assert run(["node", "list.mjs"], empty, cwd=node_clients()) == ["practice-chat"]
