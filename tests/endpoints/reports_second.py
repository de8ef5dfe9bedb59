"""Field reports of the second round (`reports_second.json`): what the first rules misjudged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.languages import answer_in
from tests.endpoints.now_and_then import at_first, new_kinds
from tests.endpoints.own import briefly
from tests.endpoints.replies import sse, text
from tests.endpoints.reports import report
from tests.endpoints.reports_capability import hide_reasoning
from tests.endpoints.reports_stream import think_aloud

JSON = Any
HEARING = "/audio/transcriptions"


@report("tools-need-effort-none")
def _(sim: Simulator) -> None:
    def thoughtless(asked: JSON, answer: JSON) -> JSON:
        if asked.get("reasoning_effort") == "none":
            answer["usage"]["completion_tokens_details"]["reasoning_tokens"] = 0
        return answer

    limit = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
        "instead."
    )
    message = (
        "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use "
        "function tools, use /v1/responses or set reasoning_effort to 'none'."
    )
    sim.traits(efforts=("none", "low", "medium", "high"))
    sim.refuse(
        error(400, limit, param="max_tokens", code="unsupported_parameter"), lambda body: "max_tokens" in body
    )
    sim.refuse(
        error(400, message, param="reasoning_effort"),
        lambda body: body.get("tools") and body.get("reasoning_effort") != "none",
    )
    sim.edit(thoughtless)
    hide_reasoning(sim)


@report("responses-completed-without-output")
def _(sim: Simulator) -> None:
    sim.edit(lambda asked, answer: answer | {"output": []}, path="/responses")


@report("channel-thought-in-content")
def _(sim: Simulator) -> None:
    think_aloud(sim, "<|channel>thought\n", "The user wants a short answer.", "\n<channel|>")


@report("vision-answers-in-chinese")
def _(sim: Simulator) -> None:
    answer_in(sim, "红色 绿色 蓝色 黄色 黑色 白色", "图片的左半部分是{}，右半部分是{}。")


@report("transcription-refuses-wav")
def _(sim: Simulator) -> None:
    message = (
        "Unsupported MIME type: 'audio/wav'. Supported types are: audio/mpeg (.mp3), audio/mp4 (.m4a with "
        "AAC codec), audio/ogg (.opus)."
    )
    sim.refuse(
        error(400, message, param="file"),
        lambda form: form.get("file", b"")[:4] in (b"RIFF", b"fLaC"),
        HEARING,
    )


@report("stream-deltas-are-cumulative")
def _(sim: Simulator) -> None:
    def cumulative(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        said = ""
        for choice in [one for chunk in chunks for one in chunk["choices"]]:
            if choice["delta"].get("content"):
                said += choice["delta"]["content"]
                choice["delta"]["content"] = said
        return chunks

    sim.edit_stream(cumulative)


@report("model-is-not-embedding")
def _(sim: Simulator) -> None:
    message = f'Failed to load model "{sim.model_id}". Error: Model is not embedding.'
    sim.traits(kind="chat")
    sim.mismatch_reply = error(404, message, param="model", code="model_not_found")


@report("500-quotes-a-hub-401")
def _(sim: Simulator) -> None:
    message = (
        "failed to load model with internal loader: could not load model (no success): Error loading MLX "
        "model: 401 Client Error. (Request ID: Root=1-68bf)\n\nRepository Not Found for url: "
        f"https://huggingface.co/api/models/{sim.model_id}/revision/main.\nPlease make sure you specified "
        "the correct `repo_id` and `repo_type`.\nIf you are trying to access a private or gated repo, make "
        "sure you are authenticated. For more details, see https://huggingface.co/docs/huggingface_hub/"
        "authentication\nInvalid username or password."
    )
    sim.refuse(as_json({"error": {"code": 500, "message": message, "type": ""}}, 500))
    briefly(sim)


@report("v1-typed-api-at-v3")
def _(sim: Simulator) -> None:
    sim.prefix = "/v3"
    sim.lost_reply = as_json({"error": "Invalid request URL"}, 400)


@report("embedding-model-not-in-catalog")
def _(sim: Simulator) -> None:
    text_model = "koboldcpp/gemma-4-E4B-it-Q6_K"
    sim.key, sim.fallback = "", sim.model_id
    sim.serve_also(Model(text_model))
    sim.catalog({"object": "list", "data": [{"id": text_model, "object": "model", "owned_by": "koboldcpp"}]})
    sim.edit(lambda asked, answer: answer | {"model": asked["model"]}, "/embeddings")


@report("transcription-ndjson-default")
def _(sim: Simulator) -> None:
    def lines(request: Request, reply: Reply) -> Reply:
        if "response_format" in request.form or reply.status != 200:
            return reply
        times = {"start": 0.0, "end": 1.0, "language": "en"}
        first = times | {"text": "A practice", "is_final": False}
        last = times | {"text": reply.json["text"], "is_final": True}
        told = "".join(json.dumps(line) + "\n" for line in (first, last))
        return replace(reply, body=told.encode(), content_type="application/x-ndjson")

    sim.edit_reply(lines)


@report("errno-13-is-the-servers-own")
def _(sim: Simulator) -> None:
    message = (
        "Failed to transcribe audio, [Errno 13] Permission denied: 'C:\\\\Windows\\\\TEMP\\\\tmp4nurpm3y'"
    )
    sim.refuse(as_json({"detail": message}, 500), path=HEARING)
    briefly(sim)


@report("finish-reason-safety")
def _(sim: Simulator) -> None:
    def ended(part: str) -> list[JSON]:
        return [{"index": 0, "finish_reason": "SAFETY", part: {"role": "assistant"}}]

    def whole(asked: JSON, answer: JSON) -> JSON:
        used = answer["usage"]["prompt_tokens"]
        usage = {"prompt_tokens": used, "completion_tokens": 0, "total_tokens": used}
        return answer | {"choices": ended("message"), "usage": usage}

    sim.edit(whole)
    sim.edit_stream(lambda asked, chunks: [chunks[0] | {"choices": ended("delta")}])


@report("tool-use-failed-once")
def _(sim: Simulator) -> None:
    refusal = error(
        400,
        "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
        code="tool_use_failed",
    )
    failure = refusal.json["error"] | {"failed_generation": '<tool_call>{"name": "get_w'}

    def failed(request: Request) -> Reply:
        if request.json.get("stream"):
            return sse(b"event: error\n", {"error": failure}, done=False)
        return as_json({"error": failure}, 400)

    sim.refuse(
        new_kinds(3, failed),
        lambda body: body.get("tools") and body.get("tool_choice", "auto") == "auto",
    )


@report("wrong-region-host")
def _(sim: Simulator) -> None:
    message = (
        "Attempted to access resource with incorrect regional hostname. Please make your request to "
        "us.api.openai.com"
    )
    refusal = error(401, message, code="incorrect_hostname")
    sim.rules.append(lambda request: refusal)


@report("not-on-this-route")
def _(sim: Simulator) -> None:
    message = f"model `{sim.model_id}` isn't supported on this route"
    refusal = as_json({"error": {"code": "validation_error", "message": message}}, 400)
    sim.prefix = "/openai/v1"
    sim.rules.append(lambda request: refusal if request.path == "/v1/chat/completions" else None)


@report("must-be-the-routes-model")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.serve_instead(Model("gpt-4o"))
    sim.catalog(None)
    sim.lost_reply = as_json({"message": "no Route matched with those values"}, 404)
    refusal = as_json({"error": {"message": "cannot use own model - must be: gpt-4o"}}, 400)
    sim.unknown_reply = lambda name: refusal


@report("use-case-form-missing")
def _(sim: Simulator) -> None:
    message = (
        "aws-bedrock error: The model returned the following errors: You have not filled out the required "
        "use-case form for this model. Complete the form at https://console.aws.amazon.com/bedrock before "
        "requesting access."
    )
    sim.serve_also(Model("aws-bedrock/claude-haiku-4-5"))
    sim.refuse(
        as_json({"status": "failure", "message": message}, 400), lambda body: body["model"] == sim.model_id
    )


@report("quota-limit-zero")
def _(sim: Simulator) -> None:
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information "
        "on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for "
        "metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: "
        f"{sim.model_id}\nPlease retry in 56.42777108s."
    )
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "56s"}]
    refusal = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}
    sim.refuse(as_json([{"error": refusal}], 429))


@report("bot-filter-now-and-then")
def _(sim: Simulator) -> None:
    page = (
        "<!doctype html><html><head><title>Access denied | gateway.example used Cloudflare to restrict "
        "access</title></head><body><div id=cf-error-details><h1>Error <span>1010</span></h1><p>The owner of "
        "this website has banned your access based on your browser's signature.</p></div></body></html>"
    )
    filtered = text(403, page, "text/html; charset=UTF-8", server="cloudflare", cf_ray="9bcf137bef4f4292-FRA")
    sim.refuse(at_first(2, filtered))
