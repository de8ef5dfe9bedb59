"""The model document against its schema, whose facts lie beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from app.factory import create_app
from app.registry.document import document, is_presentable
from app.registry.metadata import FIELDS, SECTIONS
from app.store.base import new_id
from app.store.models import RegisteredModel
from tests.rows import a_model

SCHEMA = json.loads((Path(__file__).parent / "model-document.schema.json").read_text(encoding="utf-8"))
METADATA = SCHEMA["$defs"]["ModelMetadata"]["properties"]
VALUES: dict[str, Any] = {
    "boolean": False, "integer": 7, "number": 0.5, "string": "x", "strings": ["x"], "integers": [1],
    "object": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def context(tmp_path: Path) -> Iterator[None]:
    """An application context: the document names the workspace."""
    with create_app({"instance": tmp_path, "TESTING": True, "workspace_key": "ops"}).app_context():
        yield


def row(**changes: Any) -> RegisteredModel:
    moment = datetime(2026, 3, 1, 12, 0, 0, 7000, tzinfo=UTC)
    good = {
        "id": new_id(), "model_id": "qwen", "model_type": "chat", "display_name": "Qwen", "region": "europe",
        "base_url": "https://models.example.com/v1/", "created": moment, "updated": moment, "enabled": True,
        "observed": {},
    }  # fmt: skip
    return a_model(**good | changes)


def made(**changes: Any) -> dict[str, Any]:
    result = document(row(**changes))
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(result)]
    assert errors == []
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def kind_of(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return "object"
    return schema["type"] if isinstance(schema["type"], str) else schema["items"]["type"] + "s"


def test_the_table_has_every_field_of_the_schema_once_with_its_kind() -> None:
    """A field has its row in metadata.py and in model-document.schema.json, which is the API family's."""
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert {field.name: field.kind for field in FIELDS} == {name: kind_of(s) for name, s in METADATA.items()}


def test_every_field_has_words_and_prices_have_units() -> None:
    for field in FIELDS:
        assert field.label and field.help and field.section in SECTIONS
        if field.kind == "number" and "cost" in field.name:
            assert field.unit.startswith("USD"), field.name


def test_a_bare_model() -> None:
    result = made()
    assert set(SCHEMA["required"]) == set(result)
    assert result["metadata"] == {"is_private": True, "region": "europe"}
    assert result["created"] == result["updated"] == "2026-03-01T12:00:00.007Z"
    assert result["refId"] == "ops@openailike/qwen"
    assert (result["input_cost"], result["description"], result["has_functions"]) == (None, None, False)
    assert result["configuration"] == {
        "provider": "openailike",
        "is_openai_compatible": True,
        "base_url": "https://models.example.com/v1/",
        "workspace_id": result["owner"],
        "integration_id": result["configuration"]["integration_id"],
    }


def test_everything_declared_is_echoed_and_false_stays_false() -> None:
    flags = {"has_reasoning": False, "supports_vision": False, "supports_tool_calling": False,
             "supports_strict_tool": False, "supports_image_edit": True}  # fmt: skip
    costs = {"input_cost": 0.15, "output_cost": 3.0, "cache_read_cost": 0.0, "cache_write_cost": 1.5,
             "cost_per_image": 0.04}  # fmt: skip
    seen = {"supports_reasoning": True, "supports_vision": True, "supports_tool_calling": True,
            "max_output_tokens": 16384}  # fmt: skip
    result = made(**flags, **costs, max_tokens=4096, description="", observed=seen)
    metadata = result["metadata"]
    assert metadata["supports_reasoning"] is False and metadata["supports_vision"] is False
    assert metadata["supports_tool_calling"] is False and result["has_functions"] is False
    assert metadata["supports_image_edit"] is True and metadata["max_output_tokens"] == 4096
    assert (result["input_cost"], result["output_cost"], result["description"]) == (0.15, 3, "")
    assert metadata["million_tokens_input_cost"] == 0.15 and metadata["million_tokens_output_cost"] == 3
    assert metadata["million_tokens_cache_read_cost"] == 0 and metadata["cost_per_image"] == 0.04
    assert metadata["million_tokens_cache_write_cost"] == 1.5
    assert metadata["pricing"]["input"] == {
        "cost": 0.15,
        "currency": "USD",
        "per": 1_000_000,
        "unit": "tokens",
    }
    assert metadata["pricing"]["output"]["cost"] == 3


def test_what_was_observed_fills_the_rest() -> None:
    result = made(
        observed={"supports_streaming": True, "supports_tool_calling": True, "context_window": 8192}
    )
    assert result["metadata"] == {
        "is_private": True, "region": "europe", "supports_streaming": True, "supports_tool_calling": True,
        "context_window": 8192,
    }  # fmt: skip
    assert result["has_functions"] is True


@pytest.mark.parametrize(
    ("declared", "seen", "has"),
    [
        (None, {"supports_tool_choice": True}, True),
        (None, {"supports_parallel_tool_calls": True, "supports_tool_calling": False}, True),
        (None, {"supports_tool_choice": False}, False),
        (False, {"supports_tool_choice": True}, False),
    ],
)
def test_it_has_functions_where_any_call_was_seen(
    declared: bool | None, seen: dict[str, bool], has: bool
) -> None:
    assert made(supports_tool_calling=declared, observed=seen)["has_functions"] is has


def test_every_observable_field_gets_through() -> None:
    seen = {field.name: VALUES[field.kind] for field in FIELDS}
    metadata = made(observed=seen)["metadata"]
    taken = {name for name in seen if metadata.get(name) == seen[name]}
    assert set(seen) - taken == {"is_private", "region", "pricing"}


@pytest.mark.parametrize(
    "seen",
    [{"context_window": "8k"}, {"context_window": True}, {"context_window": 2**63}, {"supports_streaming": 1},
     {"max_temperature": float("nan")}, {"max_temperature": 10**400}, {"knowledge_cutoff": 2024},
     {"supported_video_durations": ["5"]}, {"invented": 1}, {"supports_streaming": None}],
)  # fmt: skip
def test_what_an_endpoint_claims_in_another_type_stays_out(seen: dict[str, Any]) -> None:
    assert made(observed=seen)["metadata"] == {"is_private": True, "region": "europe"}


def test_the_remote_id_and_the_name_of_the_key_show_where_given() -> None:
    configuration = made(remote_model_id="qwen-72b", key_env="MUSTER_KEY_A")["configuration"]
    assert configuration["model_id"] == "qwen-72b" and configuration["api_key_env"] == "MUSTER_KEY_A"


def test_a_disabled_model_says_so() -> None:
    result = made(enabled=False)
    assert (result["enabled"], result["enabled_for_endpoints"], result["is_active"]) == (False, False, True)


def parameters(**changes: Any) -> dict[str, Any]:
    return {entry["parameter"]: entry for entry in made(**changes)["parameters"]}


def test_a_chat_model_takes_a_temperature_and_a_limit() -> None:
    found = parameters(temperature=0.3, max_tokens=512, observed={"max_output_tokens": 4096})
    assert {"minimum": 0, "maximum": 2, "default": 0.3}.items() <= found["temperature"]["config"].items()
    assert found["max_tokens"]["config"] == {"minimum": 1, "maximum": 4096, "default": 512}
    assert "reasoning_effort" not in found
    for entry in found.values():
        assert entry["parameter_type"] in ("number", "range", "select", "toggle", "text")


@pytest.mark.parametrize("reasons", [{"has_reasoning": True}, {"observed": {"supports_reasoning": True}}])
def test_a_reasoning_model_takes_an_effort(reasons: dict[str, Any]) -> None:
    assert parameters(**reasons)["reasoning_effort"]["config"]["options"] == ["low", "medium", "high"]


def test_the_levels_are_those_that_were_seen_taken() -> None:
    seen = {"supports_reasoning_effort_high": True, "supports_reasoning_effort_low": True,
            "supports_reasoning_effort_none": False}  # fmt: skip
    config = parameters(has_reasoning=True, observed=seen)["reasoning_effort"]["config"]
    assert config["options"] == ["low", "high"]


def test_other_types_have_parameters_of_their_own() -> None:
    assert parameters(model_type="embedding", observed={"embedding_dimensions": 256}).keys() == {"dimensions"}
    assert parameters(model_type="rerank") == {}


def test_each_kind_takes_its_own_values_only() -> None:
    for kind in VALUES:
        taken = {other for other, value in VALUES.items() if is_presentable(kind, value)}  # type: ignore[arg-type]
        assert taken == ({"integer", "number"} if kind == "number" else {kind})
