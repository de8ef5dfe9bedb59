"""Second round: typed queries that are the fault (rule 8), and neighbours as evidence (rule 9)."""

from __future__ import annotations

from app.practice.models import Model
from app.practice.wire import Reply, as_json
from tests.endpoints.base import Simulator
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

AZURE_VERSIONS = "https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle"


def azure(status: int, message: str, code: str = "BadRequest") -> Reply:
    """An error as Azure words it."""
    return as_json({"error": {"code": code, "message": message}}, status)


def versioned(sim: Simulator, refusal: Reply) -> None:
    """Refuse whatever names a version of the API in its query."""
    sim.every(refusal, lambda request: "api-version" in request.query)


@rejected(
    "r08-version-not-allowed",
    "https://github.com/pydantic/pydantic-ai/issues/5066",
    "wrong_path",
    "base_url",
    path="/openai/v1?api-version=2024-10-21",
    model="gpt-oss-120b",
    suggests={"base_url": "/openai/v1"},
    shows="api-version query parameter is not allowed",
)
def _(sim: Simulator) -> None:
    """Azure Foundry: the typed query is what is refused."""
    versioned(sim, azure(400, "api-version query parameter is not allowed when using /v1 path"))


@rejected(
    "r08-version-not-supported",
    "https://github.com/zendev-sh/goai/pull/54",
    "wrong_path",
    "base_url",
    path="/openai/v1?api-version=2025-03-01-preview",
    model="gpt-5.5",
    suggests={"base_url": "/openai/v1"},
    shows="API version not supported",
)
def _(sim: Simulator) -> None:
    """Azure: the dated version is refused at the path that has none."""
    versioned(sim, azure(400, "API version not supported"))


@rejected(
    "r08-version-too-old",
    "https://github.com/egoist/chatwise-releases/issues/258",
    "wrong_path",
    "base_url",
    path="/openai/deployments/o3-mini?api-version=2024-02-01",
    model="o3-mini",
    words=("2024-12-01-preview",),
    shows="2024-12-01-preview and later",
)
def _(sim: Simulator) -> None:
    """Azure: the model is served by later versions only; without any there is no such resource."""
    late = azure(400, "Model {modelName} is enabled only for api versions 2024-12-01-preview and later")
    sim.catalog(None)
    sim.every(late, lambda request: "api-version=2024-02" in request.query)
    sim.every(azure(404, "Resource not found", "404"), lambda request: not request.query)


@accepted("r08-version-is-needed", AZURE_VERSIONS, path="/openai/deployments/gpt-4o?api-version=2024-10-21")
def _(sim: Simulator) -> None:
    """Azure: the typed query is what makes it work; there is no catalog, any id is the deployment."""
    sim.catalog(None)
    sim.fallback = sim.model_id
    sim.every(azure(404, "Resource not found", "404"), lambda request: "api-version" not in request.query)


@rejected(
    "r09-model-not-in-the-gateway",
    "https://github.com/envoyproxy/ai-gateway/issues/1944",
    "model_not_found",
    "model_id",
    model="some-cool-self-hosted-model",
    shows="No matching route found",
)
def _(sim: Simulator) -> None:
    """Envoy AI Gateway: other paths get an empty 404, this one a 404 that speaks of the model."""
    message = (
        "No matching route found. It is likely that the model specified your request is not configured in "
        "the Gateway."
    )
    sim.catalog(None)
    sim.lost_reply = Reply(404)
    sim.serve_instead(Model("mistral:latest"))
    sim.unknown_reply = lambda name: text(404, message)


@rejected(
    "r09-provider-wanted",
    "https://docs.getbifrost.ai/quickstart/gateway/setting-up",
    "model_not_found",
    "model_id",
    model="gpt-4o",
    shows="provider/model",
)
def _(sim: Simulator) -> None:
    """Bifrost: a sentence that nobody knows, where every other path is a plain 404."""
    refusal = as_json(
        {"is_bifrost_error": False, "error": {"message": "model should be in provider/model format"}}, 400
    )
    sim.catalog(None)
    sim.lost_reply = text(404, "404 page not found")
    sim.serve_instead(Model("openai/gpt-4o"))
    sim.unknown_reply = lambda name: refusal


@rejected(
    "r09-no-route-anywhere",
    "https://developer.konghq.com/gateway/entities/route/",
    "wrong_path",
    "base_url",
    suggests={"base_url": "/llm/v1"},
    shows="no Route matched",
)
def _(sim: Simulator) -> None:
    """Kong: the typed path is refused like every other: it is the path, the API is at /llm/v1."""
    sim.prefix = "/llm/v1"
    sim.lost_reply = as_json({"message": "no Route matched with those values", "request_id": "1a2b"}, 404)
    sim.every(sim.lost_reply, lambda request: not request.path.startswith("/llm/v1/"))
