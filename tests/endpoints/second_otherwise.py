"""Second round: checks that learn (rule 14), offered formats (15), catalogs of another type (16)."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import schema_of
from tests.endpoints.second import accepted, rejected

JSON = Any
HEARING, SPEECH, IMAGE = "/audio/transcriptions", "/audio/speech", "/images/generations"
TOOLS = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}
UNENFORCED = "model_id_not_enforced"


@accepted(
    "r14-temperature-or-top-p",
    "https://github.com/aws-samples/bedrock-access-gateway/issues/191",
    path="/api/v1",
    model="eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    capabilities={"sampling_params": True},
    shows=({"temperature": 0.7, "top_p": 0.9}, "cannot both be specified"),
)
def _(sim: Simulator) -> None:
    """Bedrock Access Gateway: one of the two is taken."""
    message = (
        "An error occurred (ValidationException) when calling the Converse operation: The model returned the "
        "following errors: `temperature` and `top_p` cannot both be specified for this model. Please "
        "use only one."
    )
    sim.refuse(as_json({"detail": message}, 400), lambda body: {"temperature", "top_p"} <= set(body))


@accepted(
    "r14-temperature-without-thought",
    "https://platform.openai.com/docs/guides/latest-model",
    model="gpt-5.2",
    capabilities={"sampling_params": True, "reasoning": True},
    shows=({"temperature": 0.7}, "reasoning_effort"),
)
def _(sim: Simulator) -> None:
    """OpenAI: sampling is taken where the effort is set to none, as the refusal says."""
    message = (
        "Unsupported parameter: 'temperature' is only supported with this model when reasoning_effort "
        "is set to "
        "'none'."
    )
    sim.traits(efforts=("none", "low", "medium", "high"))
    sim.refuse(
        error(400, message, param="temperature", code="unsupported_parameter"),
        lambda body: body.get("temperature", 1) != 1 and body.get("reasoning_effort") != "none",
    )


@accepted(
    "r14-json-without-thinking",
    "https://www.alibabacloud.com/help/en/model-studio/json-mode",
    path="/compatible-mode/v1",
    model="qwen3-max",
    capabilities={"json_mode": True, "json_schema": True},
    shows=({"response_format": {"type": "json_object"}}, "enable_thinking"),
)
def _(sim: Simulator) -> None:
    """DashScope: JSON is written where thinking is switched off by a field that the refusal names."""
    message = (
        "<400> InternalError.Algo.InvalidParameter: Json mode response is not supported when "
        "enable_thinking is "
        "true, please set enable_thinking to false."
    )
    sim.traits(efforts=("low", "medium", "high"))
    sim.refuse(
        error(400, message, code="invalid_parameter_error"),
        lambda body: schema_of(body) != "text" and body.get("enable_thinking") is not False,
    )
    sim.ignore("enable_thinking")


@accepted(
    "r14-param-beside-misleading-words",
    "https://platform.openai.com/docs/guides/reasoning",
    model="o3-mini",
    capabilities={"tool_calling": True, "streamed_tool_calling": True},
    shows=(TOOLS | {"parallel_tool_calls": True}, "Function calling option"),
)
def _(sim: Simulator) -> None:
    """The words sound as if functions were refused; `param` says that it is parallel_tool_calls."""
    message = "Unsupported parameter. Function calling option is not supported with this model's tools."
    sim.refuse(
        error(400, message, param="parallel_tool_calls", code="unsupported_parameter"),
        lambda body: "parallel_tool_calls" in body,
    )


@accepted(
    "r14-strict-schema-wants-no-more",
    "https://platform.openai.com/docs/guides/structured-outputs",
    capabilities={"strict_tool": True, "json_schema": True, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """OpenAI: strict schemas must close their objects; others are refused with what would work."""
    message = (
        "Invalid schema for function 'f': In context=(), 'additionalProperties' is required to be "
        "supplied and to "
        "be false."
    )

    def opened(body: JSON) -> bool:
        functions = [tool["function"] for tool in body.get("tools") or []]
        strict = [one.get("parameters") or {} for one in functions if one.get("strict")]
        return any(schema.get("additionalProperties") is not False for schema in strict)

    sim.refuse(error(400, message, param="tools", code="invalid_function_parameters"), opened)


@accepted(
    "r14-temperature-never",
    "https://platform.openai.com/docs/guides/reasoning-best-practices",
    model="o1",
    capabilities={"sampling_params": False, "streaming": True},
    shows=({"temperature": 0.7}, "not supported with this model"),
)
def _(sim: Simulator) -> None:
    """A refusal that names no way out: sampling is refused, and that is all."""
    message = "Unsupported parameter: 'temperature' is not supported with this model."
    sim.refuse(
        error(400, message, param="temperature", code="unsupported_parameter"),
        lambda body: "temperature" in body,
    )
    sim.refuse(
        error(400, message.replace("temperature", "top_p"), param="top_p"), lambda body: "top_p" in body
    )


def begins(form: JSON, *marks: bytes) -> bool:
    """Whether the sound of a form begins so."""
    return bool(form.get("file", b"").startswith(marks))


@accepted(
    "r15-mp3-is-wanted",
    "https://docs.mistral.ai/capabilities/audio/",
    kind="stt",
    model="voxtral-mini",
    shows="Supported formats",
)
def _(sim: Simulator) -> None:
    """Only compressed sounds are taken, as the refusal says."""
    message = "Audio input could not be decoded: wav is not accepted. Supported formats: mp3, ogg"
    sim.refuse(as_json({"detail": message}, 422), lambda form: begins(form, b"RIFF", b"fLaC"), HEARING)


@accepted(
    "r15-transcript-as-plain-text",
    "https://github.com/ggml-org/whisper.cpp/blob/master/examples/server/README.md",
    kind="stt",
    model="whisper-1",
    shows="A practice sound",
)
def _(sim: Simulator) -> None:
    """A transcript is plain text unless JSON is asked for by response_format."""

    def plain(request: Request, reply: Reply) -> Reply:
        if reply.status != 200 or "response_format" in request.form:
            return reply
        return Reply(200, reply.json["text"].encode(), "text/plain; charset=utf-8")

    sim.edit_reply(plain)


@accepted(
    "r15-speaker-of-another-set",
    "https://docs.vllm.ai/projects/vllm-omni/en/latest/serving/speech_api/",
    kind="tts",
    model="Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
    shows="Invalid voice",
)
def _(sim: Simulator) -> None:
    """vLLM-Omni: other voices than OpenAI's; the refusal lists them."""
    voices = ("aiden", "ryan", "serena", "vivian")
    message = f"Invalid voice 'alloy'. Supported: {', '.join(voices)}"
    refusal = as_json(
        {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}, 400
    )
    sim.refuse(refusal, lambda body: body.get("voice") not in voices, SPEECH)
    sim.reads(lambda body: body | {"voice": "alloy"}, SPEECH)


@accepted(
    "r15-large-pictures-only",
    "https://www.volcengine.com/docs/82379/1541523",
    path="/api/v3",
    kind="image",
    model="doubao-seedream-4-5-251128",
    shows=({"size": "256x256"}, "at least 3686400 pixels"),
)
def _(sim: Simulator) -> None:
    """Ark: small sizes are refused with the least number of pixels."""
    message = (
        "The parameter `size` specified in the request is not valid: image size must be at least "
        "3686400 pixels."
    )

    def small(body: JSON) -> bool:
        width, _, height = str(body.get("size") or "2048x2048").partition("x")
        return width.isdigit() and height.isdigit() and int(width) * int(height) < 3686400

    sim.refuse(error(400, message, param="size", code="InvalidParameter"), small, IMAGE)
    sim.reads(lambda body: body | {"size": "1024x1024"}, IMAGE)


@rejected(
    "r15-no-sound-is-taken",
    "https://github.com/openai/whisper/blob/main/README.md",
    "endpoint_error model_unavailable",
    kind="stt",
    model="whisper-large-v3",
    shows="ffmpeg",
)
def _(sim: Simulator) -> None:
    """Looks like a matter of formats, but each is refused alike: the server lacks its decoder."""
    message = "Could not decode the audio file: ffmpeg was not found. Supported formats: wav, mp3, flac, ogg"
    sim.refuse(as_json({"detail": message}, 500), path=HEARING)


def lists_only(sim: Simulator, *ids: str, **more: JSON) -> None:
    """A catalog of these ids; the asked model is served whatever it is called, and no key is looked at."""
    sim.key, sim.fallback = "", sim.model_id
    sim.catalog({"object": "list", "data": [{"id": one, "object": "model"} | more for one in ids]})


@accepted(
    "r16-voice-beside-a-text-model",
    "https://github.com/LostRuins/koboldcpp/wiki",
    kind="tts",
    model="kokoro",
    warnings=UNENFORCED,
)
def _(sim: Simulator) -> None:
    """KoboldCpp: the catalog holds its text model, speech is made for any id."""
    lists_only(sim, "koboldcpp/Qwen3-8B-Q4_K_M")


@accepted(
    "r16-pictures-beside-a-text-model",
    "https://github.com/lemonade-sdk/lemonade/blob/main/docs/server/server_spec.md",
    path="/api/v1",
    kind="image",
    model="sd-turbo",
    warnings=UNENFORCED,
)
def _(sim: Simulator) -> None:
    """The catalog holds chat models, pictures are made for any id."""
    lists_only(sim, "Llama-3.2-3B-Instruct-Hybrid", "Qwen3-4B-GGUF")


@accepted(
    "r16-reranker-beside-a-text-model",
    "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    kind="rerank",
    model="bge-reranker-v2-m3",
    warnings=UNENFORCED,
)
def _(sim: Simulator) -> None:
    """A router lists its chat model; documents are ranked for any id."""
    lists_only(sim, "gpt-oss-20b")


@rejected(
    "r16-the-list-holds-embeddings",
    "https://github.com/michaelfeil/infinity/blob/main/docs/docs/cli_v2.md",
    "model_not_found",
    "model_id",
    kind="embedding",
    model="BAAI/bge-large-en-v1.5",
    suggests={"model_id": "BAAI/bge-small-en-v1.5"},
    shows='"model": "BAAI/bge-small-en-v1.5"',
)
def _(sim: Simulator) -> None:
    """The catalog says that what it lists is an embedding model: then the asked id is another's."""
    small = "BAAI/bge-small-en-v1.5"
    lists_only(sim, small, type="embedding", capabilities=["embed"])
    sim.serve_instead(Model(small, "embedding"))
    sim.fallback = small
