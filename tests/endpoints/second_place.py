"""Second round: words about the place (rule 5), and the same refusal on every route (rule 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.practice.wire import Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

JSON = Any


@rejected(
    "r05-completions-at-the-beta-base",
    "https://github.com/deepseek-ai/awesome-deepseek-integration/issues/592",
    "wrong_path",
    "base_url",
    path="",
    kind="completion",
    model="deepseek-chat",
    suggests={"base_url": "https://api.deepseek.com/beta"},
    shows="only available when using beta api",
)
def _(sim: Simulator) -> None:
    """DeepSeek: completions are served at another base, which the refusal names."""
    message = (
        'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
    )
    sim.traits(kind="chat")
    refusal = error(400, message)
    sim.rules.append(
        lambda request: refusal if request.path.endswith("/completions") and prompted(request) else None
    )


def prompted(request: Request) -> bool:
    """Whether it is a completion that is asked for, not a chat."""
    return isinstance(request.json, dict) and "prompt" in request.json


@rejected(
    "r05-only-in-responses",
    "https://platform.openai.com/docs/models/o1-pro",
    "wrong_model_type model_unavailable",
    "model_type model_id",
    model="o1-pro",
    shows="only supported in v1/responses",
)
def _(sim: Simulator) -> None:
    """OpenAI: the model answers at another operation than chat, which the refusal names."""
    message = "This model is only supported in v1/responses and not in v1/chat/completions."
    sim.refuse(error(404, message, param="model"))


@rejected(
    "r05-other-version-of-the-api",
    "https://github.com/thedotmack/claude-mem/issues/1148",
    "wrong_path",
    "base_url",
    path="/v1/openai",
    model="gemini-3-flash-preview",
    suggests={"base_url": "/v1beta/openai"},
    shows="not found for API version v1",
)
def _(sim: Simulator) -> None:
    """Gemini: the model is served by v1beta only; a 404 that speaks of the version."""
    message = (
        f"models/{sim.model_id} is not found for API version v1, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    refusal = as_json([{"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}], 404)
    sim.prefix = "/v1beta/openai"
    sim.rules.append(lambda request: refusal if request.path == "/v1/openai/chat/completions" else None)


@rejected(
    "r05-not-in-realtime-mode",
    "https://platform.openai.com/docs/guides/realtime",
    "wrong_model_type",
    "model_type",
    kind="realtime",
    model="gpt-4o-mini",
    shows="not supported in realtime mode",
)
def _(sim: Simulator) -> None:
    """OpenAI: the socket opens, and an event says that a chat model can't be talked to there."""
    message = f'Model "{sim.model_id}" is not supported in realtime mode.'
    failure = {"type": "invalid_request_error", "code": "invalid_model", "message": message, "param": None}

    def session(request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        yield {"type": "error", "event_id": "event_1", "error": failure}

    sim.traits(kind="chat")
    sim.upgrade = lambda request: sim.admit(request)  # type: ignore[method-assign]
    sim.session = session  # type: ignore[method-assign]


@accepted(
    "r05-tools-not-on-this-endpoint",
    "https://huggingface.co/docs/inference-providers/guides/function-calling",
    declared="tools",
    capabilities={"tool_calling": False, "streaming": True},
    shows=({"tools": [{"type": "function", "function": {"name": "f"}}]}, "not supported on this endpoint"),
)
def _(sim: Simulator) -> None:
    """The same words about the place, but only where tools are sent: the place is right."""
    sim.refuse(
        error(400, "Tool use is not supported on this endpoint.", param="tools"), lambda body: "tools" in body
    )


@rejected(
    "r06-session-header-missing",
    "https://github.com/nowledge-co/community/issues/587",
    "permission_denied invalid_credentials",
    path="/zen/go/v1",
    words=("x-opencode-session",),
    shows="missing x-opencode-session",
)
def _(sim: Simulator) -> None:
    """Every route is refused alike until a header says who asks."""
    message = (
        "Error from provider (Console Go): Request is missing x-opencode-session and cannot be routed "
        "efficiently. Please see https://opencode.ai/docs/go/#where-can-i-use-it"
    )
    sim.every(as_json({"type": "error", "error": {"type": "MissingSessionID", "message": message}}, 400))


@rejected(
    "r06-workspace-header-missing",
    "https://github.com/anthropics/claude-code/issues/64414",
    "permission_denied invalid_credentials",
    words=("anthropic-workspace-id",),
    shows="anthropic-workspace-id",
)
def _(sim: Simulator) -> None:
    """A company's gateway wants its tenant named in a header, on every route."""
    sim.every(error(400, "Missing 'anthropic-workspace-id' header."))


@rejected(
    "r06-invalid-host-header",
    "https://www.starlette.io/middleware/#trustedhostmiddleware",
    "permission_denied endpoint_error wrong_path",
    words=("Invalid host header",),
    shows="Invalid host header",
)
def _(sim: Simulator) -> None:
    """Starlette's guard of host names refuses whatever is asked at this address."""
    sim.every(text(400, "Invalid host header"))


@rejected(
    "r06-subscription-key-missing",
    "https://github.com/posit-dev/positron/issues/15248",
    "invalid_credentials",
    "api_key",
    words=("Ocp-Apim-Subscription-Key",),
    shows="missing subscription key",
)
def _(sim: Simulator) -> None:
    """Azure API Management wants the key in a header of its own, which WWW-Authenticate names."""
    message = (
        "Access denied due to missing subscription key. Make sure to include subscription key when making "
        "requests to an API."
    )
    scheme = (
        "AzureApiManagementKey "
        'realm="https://gateway.example/",name="Ocp-Apim-Subscription-Key",type="header"'
    )
    sim.every(as_json({"statusCode": 401, "message": message}, 401, www_authenticate=scheme))


@rejected(
    "r06-only-bodies-are-refused",
    "https://fastapi.tiangolo.com/tutorial/handling-errors/",
    "endpoint_error not_openai_compatible",
    "base_url",
    shows="error parsing the body",
)
def _(sim: Simulator) -> None:
    """The same words for every POST, while the catalog is shown: no gate, the server can't read bodies."""
    sim.every(
        as_json({"detail": "There was an error parsing the body"}, 400),
        lambda request: request.method == "POST",
    )
