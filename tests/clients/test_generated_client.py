"""A client that openapi-python-client generates from /openapi.json makes every call that stands there."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import requests

from tests.load.running import Running

JSON = Any
NOBODY = "01900000-0000-7000-8000-00000000dead"
CONFIG = """
post_hooks: []
content_type_overrides: {image/svg+xml: application/octet-stream}
"""
EXAMPLE_BASE = "http://127.0.0.1:8099/v1"


class Generated:
    """The generated package. Calls are named by their operationId; bodies are the document's own examples."""

    def __init__(self, muster: Running, spec: JSON) -> None:
        there = import_module("generated_muster")
        token = muster.new_token("admin", "credentials")
        self.client = there.AuthenticatedClient(base_url=muster.url, token=token, timeout=60)
        self.base_url = muster.practice_url
        self.operations = {
            call["operationId"]: call for methods in spec["paths"].values() for call in methods.values()
        }
        self.called: set[str] = set()

    def __call__(self, operation: str, *, status: int = 200, changes: JSON = None, **arguments: Any) -> JSON:
        """The answer as JSON; it must have this status, and be read as what the document says."""
        tag = self.operations[operation]["tags"][0].lower()
        call = import_module(f"generated_muster.api.{tag}.{operation}").sync_detailed
        wanted = inspect.signature(call).parameters.get("body")
        if wanted is not None:
            arguments["body"] = self._body(operation, wanted.annotation, changes or {})
        answer = call(client=self.client, **arguments)
        assert answer.status_code == status, (operation, answer.content[:500])
        assert answer.parsed is not None or not answer.content, operation
        self.called.add(operation)
        return json.loads(answer.content) if answer.content[:1] in (b"{", b"[") else answer.content.decode()

    def _body(self, operation: str, kind: Any, changes: JSON) -> Any:
        content = self.operations[operation]["requestBody"]["content"]["application/json"]
        example = next(iter(content["examples"].values()))["value"]
        text = json.dumps(example).replace(EXAMPLE_BASE, self.base_url)
        sent = json.loads(text)
        if get_origin(kind) is list:
            return [get_args(kind)[0].from_dict(one) for one in sent]
        return kind.from_dict(sent | changes)


@pytest.fixture(scope="module")
def spec(muster: Running) -> JSON:
    """The document."""
    return requests.get(f"{muster.url}/openapi.json", timeout=30).json()


@pytest.fixture(scope="module")
def package(spec: JSON, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package, made and on the path; what the generator says."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(spec), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "openapi-python-client"), "generate", "--meta", "none",
        "--path", "openapi.json", "--output-path", "generated_muster", "--config", "config.yaml",
    ]  # fmt: skip
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield made.stdout + made.stderr
    sys.path.remove(str(folder))


@pytest.fixture
def call(empty: Running, spec: JSON, package: str) -> Iterator[Generated]:
    """The client of a registry without models."""
    made = Generated(empty, spec)
    yield made
    made.client.get_httpx_client().close()


def test_nothing_is_left_out_by_the_generator(package: str) -> None:
    """What it can't express it leaves out with a warning: such a call would be none for its users."""
    assert "warning" not in package.lower(), package


def test_it_makes_every_call(call: Generated) -> None:
    for name in ("get_healthz", "get_readyz", "get_openapi_json", "get_metrics"):
        call(name)
    id, endpoint = _models(call)
    _reading(call, id)
    _changing(call, id, endpoint)
    _exchange(call, id)
    _watch(call, id)
    _channels(call)
    _deleting(call, id, endpoint)
    assert set(call.operations) == call.called


def _models(call: Generated) -> tuple[str, str]:
    """Everything that registers or probes; the ids of a model and of its endpoint."""
    for name in ("post_v2_models_openai_like_validate", "post_v2_models_validate"):
        assert call(name)
    made = call("post_v2_models_openai_like")
    call("post_v2_models_openai_like", status=409)
    second = call("post_v2_models", changes={"model_id": "practice-chat-no-tools", "has_functions": None})
    assert second["model_id"] == "practice-chat-no-tools"
    call("post_v2_endpoints_catalog")
    more = {"models": [{"model_id": "practice-embedding", "model_type": "embedding", "region": "on-prem"}]}
    assert call("post_v2_endpoints", changes=more)["results"][0]["outcome"] == "registered"
    endpoint = made["configuration"]["integration_id"]
    more = {"models": [{"model_id": "practice-completion", "model_type": "completion", "region": "eu"}]}
    call("post_v2_endpoints_id_models", id=endpoint, changes=more)
    return made["id"], endpoint


def _reading(call: Generated, id: str) -> None:
    for name in ("get_v2_models", "get_v2_endpoints", "get_v1_models", "get_v3_router_models"):
        assert call(name)
    assert call("get_v1_models_id", id="practice-chat")["id"] == "practice-chat"
    assert call("get_v2_models_id", id=id)["id"] == id
    probed = call("post_v2_models_id_probes", id=id)
    assert call("get_v2_probes_id", id=probed["id"])["verdict"] == "accepted"
    for name in ("credentials", "works_with", "probes", "labels", "artefacts"):
        assert call(f"get_v2_models_id_{name}", id=id)


def _changing(call: Generated, id: str, endpoint: str) -> None:
    assert call("patch_v2_models_openai_like_id", id=id)["display_name"] == "Our chat"
    assert call("patch_v2_models_id", id=id, changes={"display_name": "Ours"})["display_name"] == "Ours"
    assert call("put_v2_models_id_labels", id=id)["owner"] == "Platform team"
    assert call("get_v2_endpoints_id", id=endpoint)["models"] == 4
    assert call("get_v2_endpoints_id_catalog", id=endpoint)["models"]
    assert call("patch_v2_endpoints_id", id=endpoint, changes={"headers": {}})["name"] == "Practice"
    call("delete_v2_workspace_models_id", id=id, status=204)
    call("post_v2_workspace_models", changes={"model_id": id}, status=204)


def _exchange(call: Generated, id: str) -> None:
    form = import_module("generated_muster.models.get_v2_models_export_format").GetV2ModelsExportFormat
    assert "practice-chat" in str(call("get_v2_models_export", format_=form.OPENAI))
    assert call("post_v2_apply")["dry_run"] is True
    assert call("post_v2_models_litellm_import")
    assert call("get_v2_models_litellm_models", status=404)["error"]["code"] == "not_found"


def _watch(call: Generated, id: str) -> None:
    for name in ("health", "health_history", "identity"):
        call(f"get_v2_models_id_{name}", id=id)
    call("get_badge_id_svg", id=id)
    assert call("put_v2_models_id_watch", id=id)["every_seconds"] == 3600
    assert call("get_v2_events")
    assert call("get_v2_incidents") == []
    call("get_v2_incidents_id", id=NOBODY, status=404)
    call("post_v2_incidents_id_acknowledge", id=NOBODY, status=404)
    other = call("get_v2_models")[-1]["id"]
    call("post_v2_compare", changes={"first": id, "second": other})
    call("post_v2_models_id_identity_confirm", id=id)


def _channels(call: Generated) -> None:
    made = call("post_v2_channels", changes={"url": f"{call.base_url}/hook"})
    assert call("get_v2_channels")
    call("get_v2_channels_id", id=made["id"])
    assert call("patch_v2_channels_id", id=made["id"])["enabled"] is False
    call("post_v2_channels_id_test", id=made["id"])
    call("delete_v2_channels_id", id=made["id"])
    window = call("post_v2_maintenance")
    assert call("get_v2_maintenance")
    call("delete_v2_maintenance_id", id=window["id"])


def _deleting(call: Generated, id: str, endpoint: str) -> None:
    call("delete_v2_endpoints_id", id=endpoint, status=409)
    for model in call("get_v2_models"):
        call("delete_v2_models_id", id=model["id"])
    call("delete_v2_endpoints_id", id=endpoint)
