"""Second round: what lasts (rule 26), one look (28), events unasked (29), what is told first (30)."""

from __future__ import annotations

import itertools
import json
from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import at_first
from tests.endpoints.own import briefly
from tests.endpoints.replies import raw, text
from tests.endpoints.reports_capability import forced
from tests.endpoints.responses import events
from tests.endpoints.second import accepted, rejected
from tests.endpoints.second_faults import litellm

JSON = Any
COOLING = "https://github.com/NousResearch/hermes-agent/pull/100725"


@rejected(
    "r26-no-quota-left",
    "https://platform.openai.com/docs/guides/error-codes/api-errors",
    "quota_exhausted",
    "api_key",
    calls=6,
    shows="insufficient_quota",
)
def _(sim: Simulator) -> None:
    """429 with a code that no waiting helps: told at once, though a header says to wait a second."""
    message = "You exceeded your current quota, please check your plan and billing details."
    refusal = error(429, message, kind="insufficient_quota", code="insufficient_quota")
    sim.refuse(Reply(429, refusal.body, headers={"retry-after": "1"}))


@rejected(
    "r26-exited-prematurely",
    "https://github.com/mostlygeek/llama-swap/blob/main/README.md",
    "model_unavailable endpoint_error",
    model="qwen3-coder",
    calls=10,
    shows="exited prematurely",
)
def _(sim: Simulator) -> None:
    """llama-swap: the command of the model ends as soon as it is started."""
    sim.refuse(text(502, "unable to start process: upstream command exited prematurely with exit code 1"))


@rejected(
    "r26-no-deployment-of-an-unlisted-id",
    "https://github.com/BerriAI/litellm/issues/3933",
    "model_not_found",
    "model_id",
    model="gemini-1.5-pro-001",
    calls=12,
    shows="No deployments available",
)
def _(sim: Simulator) -> None:
    """LiteLLM: 429 with a time to wait, for an id that the readable catalog does not hold."""
    sim.serve_instead(Model("gemini-2.5-pro"), Model("gemini-2.5-flash"))
    sim.unknown_reply = lambda name: litellm(429, cooling(name))


def cooling(name: str) -> str:
    """What LiteLLM's router says where it has no deployment to ask."""
    return f"No deployments available for selected model, Try again in 1 seconds. Passed model={name}."


@accepted("r26-cooling-down-for-a-moment", COOLING, model="claude-sonnet", shows="No deployments available")
def _(sim: Simulator) -> None:
    """The same words about a listed id: all its deployments cool down, a second later one is back."""
    sim.refuse(at_first(2, litellm(429, cooling(sim.model_id))))


@rejected(
    "r26-the-same-500-again",
    "https://github.com/vllm-project/vllm/issues/34625",
    "endpoint_error model_unavailable",
    calls=12,
    shows="Internal Server Error",
)
def _(sim: Simulator) -> None:
    """A bare 500 without a word of loading or load, the same each time."""
    sim.refuse(text(500, "Internal Server Error"))


@rejected(
    "r26-limited-without-a-hint",
    "https://www.rfc-editor.org/rfc/rfc6585#section-4",
    "rate_limited",
    "api_key",
    calls=30,
    shows="Too Many Requests",
)
def _(sim: Simulator) -> None:
    """429 for as long as one looks, with no hint how long: asked again at a calm pace."""
    sim.refuse(text(429, "Too Many Requests"))
    sim.settings |= {"probe_seconds": 6.0}


@accepted(
    "r28-two-calls-the-third-time",
    "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use",
    capabilities={"parallel_tool_calls": True, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """A model that makes one call where two were asked for, the first two times."""
    misses = itertools.count()

    def one(asked: JSON, message: JSON) -> None:
        if len(message.get("tool_calls") or []) > 1 and next(misses) < 2:
            del message["tool_calls"][1:]

    sim.edit_message(one)


@accepted(
    "r28-a-call-the-third-time",
    "https://docs.vllm.ai/en/latest/features/tool_calling.html",
    declared="tools",
    capabilities={"tool_calling": True, "tool_choice": True},
)
def _(sim: Simulator) -> None:
    """A small model that answers with words twice, and calls the tool when it is asked again."""
    misses = itertools.count()

    def shy(body: JSON) -> JSON:
        free = body.get("tools") and not forced(body) and not body.get("stream")
        return body | {"tool_choice": "none"} if free and next(misses) < 2 else body

    sim.reads(shy)


@accepted(
    "r28-forced-call-with-odd-arguments",
    "https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md",
    capabilities={"tool_choice": True},
)
def _(sim: Simulator) -> None:
    """A forced call is made, its arguments are a JSON string in place of an object: forced it was."""

    def bare(asked: JSON, message: JSON) -> None:
        for call in message.get("tool_calls") or []:
            if forced(asked):
                call["function"]["arguments"] = json.dumps("Oslo")

    sim.edit_message(bare)


@accepted(
    "r28-never-two-at-once",
    "https://platform.openai.com/docs/guides/function-calling",
    capabilities={"parallel_tool_calls": False, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """A model that makes one call at a time however often it is asked."""
    sim.traits(parallel_tools=False)


RESPONSES = {"path": "/responses", "input": "Say OK", "messages": None}


@accepted(
    "r29-streams-unless-told",
    "https://docs.litellm.ai/docs/response_api",
    capabilities={"responses_api": True},
    shows=({"path": "/responses", "input": "Say OK", "messages": None, "stream": True}, "response.completed"),
)
def _(sim: Simulator) -> None:
    """The Responses API streams where `stream` is left out."""
    sim.reads(lambda body: {"stream": True} | body, "/responses")


@accepted(
    "r29-streams-whatever-is-said",
    "https://github.com/router-for-me/CLIProxyAPI/blob/main/README.md",
    capabilities={"responses_api": True},
    shows=(RESPONSES, "response.output_text.delta"),
)
def _(sim: Simulator) -> None:
    """The Responses API always streams, `stream: false` or not."""
    sim.reads(lambda body: body | {"stream": True}, "/responses")


@accepted(
    "r29-streams-a-failure",
    "https://platform.openai.com/docs/api-reference/responses-streaming/response/failed",
    capabilities={"responses_api": (False, None)},
    shows=(RESPONSES, "response.failed"),
)
def _(sim: Simulator) -> None:
    """Events come here too, but they tell of a failure: nothing was said."""
    failure = {"code": "server_error", "message": "The model failed to generate a response."}
    sim.edit(
        lambda asked, answer: events(answer | {"status": "failed", "error": failure, "output": []}),
        "/responses",
    )


@rejected(
    "r30-500-and-then-nobody",
    "https://docs.vllm.ai/en/latest/usage/troubleshooting.html",
    "model_unavailable endpoint_error",
    words=("CUDA error",),
    shows="CUDA error",
)
def _(sim: Simulator) -> None:
    """vLLM: the engine dies with a 500, and every later call is hung up on."""
    died = at_first(
        1, error(500, "CUDA error: an illegal memory access was encountered", kind="InternalServerError")
    )
    sim.refuse(lambda request: died(request) or raw(reset=True))
    briefly(sim)


@rejected(
    "r30-provider-header-wanted",
    "https://portkey.ai/docs/api-reference/inference-api/headers",
    "permission_denied invalid_credentials",
    words=("x-portkey-provider",),
    shows="x-portkey-provider",
)
def _(sim: Simulator) -> None:
    """Portkey's open gateway: without a header of its own it does not know whom to ask."""
    message = "Either x-portkey-config or x-portkey-provider header is required"
    refusal = as_json({"status": "failure", "message": message}, 400)
    sim.every(refusal)


@rejected(
    "r30-another-scheme-wanted",
    "https://docs.nvidia.com/nim/large-language-models/latest/configuration.html",
    "invalid_credentials",
    "api_key",
    words=("APIKey",),
    shows="www-authenticate: APIKey",
)
def _(sim: Simulator) -> None:
    """401 whose WWW-Authenticate asks for a scheme of its own."""

    def wanted(request: Request) -> Reply | None:
        if request.headers.get("authorization", "").startswith("APIKey "):
            return None
        return as_json(
            {"detail": "Authentication credentials were not provided."}, 401, www_authenticate="APIKey"
        )

    sim.every(wanted)


@rejected(
    "r30-the-usual-scheme",
    "https://www.rfc-editor.org/rfc/rfc6750#section-3",
    "invalid_credentials",
    "api_key",
    shows="invalid_token",
)
def _(sim: Simulator) -> None:
    """The scheme that WWW-Authenticate names is the one that was used: it is the key that is wrong."""
    scheme = 'Bearer realm="llm", error="invalid_token", error_description="The access token expired"'
    sim.every(as_json({"error": "invalid_token"}, 401, www_authenticate=scheme))
