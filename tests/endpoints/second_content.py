"""Second round: content, not shape (rule 17), and thinking by any name (rule 18)."""

from __future__ import annotations

from typing import Any

from tests.endpoints.base import Simulator
from tests.endpoints.own import briefly
from tests.endpoints.replies import schema_of
from tests.endpoints.reports_stream import think_aloud
from tests.endpoints.second import accepted, rejected

JSON = Any
EMBED = "/embeddings"
THOUGHT = "The user wants a short answer, so I shall give one."
RESPONSES_DOCS = "https://platform.openai.com/docs/api-reference/responses/object"


@rejected(
    "r17-vector-in-a-list",
    "https://github.com/abetlen/llama-cpp-python/issues/1588",
    "not_openai_compatible",
    "base_url",
    kind="embedding",
    model="nomic-embed-text",
    shows='"embedding": [[',
)
def _(sim: Simulator) -> None:
    """llama-cpp-python: every embedding is a list in a list, one vector a token."""

    def nested(asked: JSON, answer: JSON) -> JSON:
        rows = [row | {"embedding": [row["embedding"], row["embedding"]]} for row in answer["data"]]
        return answer | {"data": rows}

    sim.ignore("encoding_format", path=EMBED)
    sim.edit(nested, EMBED)


@accepted(
    "r17-response-incomplete",
    RESPONSES_DOCS,
    capabilities={"responses_api": None, "reasoning": True},
    shows=({"path": "/responses", "input": "Say OK", "messages": None}, '"status": "incomplete"'),
)
def _(sim: Simulator) -> None:
    """The Responses API ends at the limit while it thinks: it said nothing yet, which tells nothing."""

    def cut(asked: JSON, answer: JSON) -> JSON:
        thought = {"type": "reasoning", "id": "rs_1", "summary": []}
        reason = {"reason": "max_output_tokens"}
        return answer | {"status": "incomplete", "incomplete_details": reason, "output": [thought]}

    sim.traits(efforts=("low", "medium", "high"))
    sim.edit(cut, "/responses")


@accepted(
    "r17-response-of-empty-text",
    "https://github.com/Oaklight/llm-rosetta/issues/56",
    capabilities={"responses_api": False},
    shows=({"path": "/responses", "input": "Say OK", "messages": None}, '"content": []'),
)
def _(sim: Simulator) -> None:
    """The Responses API completes with a message in which nothing stands."""

    def emptied(asked: JSON, answer: JSON) -> JSON:
        message = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [],
        }
        return answer | {"output": [message]}

    sim.edit(emptied, "/responses")


@accepted(
    "r17-reasoning-repeats-the-answer",
    "https://github.com/OpenBMB/MiniCPM-V/issues/1016",
    model="MiniCPM-V-4_5",
    capabilities={"reasoning": False},
    shows='"reasoning_content": "OK"',
)
def _(sim: Simulator) -> None:
    """A parser of the wrong family: the answer stands in reasoning_content as well, and nothing else does."""

    def doubled(asked: JSON, message: JSON) -> None:
        message["reasoning_content"] = message.get("content")

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for delta in [choice["delta"] for chunk in chunks for choice in chunk["choices"]]:
            if delta.get("content"):
                delta["reasoning_content"] = delta["content"]
        return chunks

    sim.edit_message(doubled)
    sim.edit_stream(stream)


@accepted(
    "r17-limit-heeded-and-called-stop",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    capabilities={"max_completion_tokens": True, "streaming": True},
)
def _(sim: Simulator) -> None:
    """What ends at the limit is called `stop`; the usage shows that the limit was heeded."""

    def stopped(asked: JSON, answer: JSON) -> JSON:
        for choice in answer["choices"]:
            choice["finish_reason"] = (
                "stop" if choice["finish_reason"] == "length" else choice["finish_reason"]
            )
        return answer

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for choice in [one for chunk in chunks for one in chunk["choices"]]:
            choice["finish_reason"] = choice["finish_reason"] and "stop"
        return chunks

    sim.edit(stopped)
    sim.edit_stream(stream)


@rejected(
    "r17-empty-and-billed",
    "https://github.com/su-kaka/gcli2api/pull/406",
    "endpoint_error model_unavailable not_openai_compatible",
    model="gemini-3.5-flash",
    shows='"completion_tokens": 4111',
)
def _(sim: Simulator) -> None:
    """A proxy: every answer is empty, ends with `stop`, and bills far more tokens than were allowed."""
    usage = {"prompt_tokens": 12, "completion_tokens": 4111, "total_tokens": 4123}
    choice = {"index": 0, "finish_reason": "stop"}
    said = {"role": "assistant", "content": ""}
    sim.edit(lambda asked, answer: answer | {"choices": [choice | {"message": said}], "usage": usage})
    sim.edit_stream(lambda asked, chunks: [chunks[0] | {"choices": [choice | {"delta": said}]}])
    briefly(sim)


@accepted(
    "r17-deltas-that-repeat-a-word",
    "https://platform.openai.com/docs/api-reference/chat-streaming",
    capabilities={"streaming": True},
    shows=({"stream": True}, "very"),
)
def _(sim: Simulator) -> None:
    """A true stream whose deltas are alike: it says "very very very", and repeats no text so far."""

    def stuttering(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        if schema_of(asked) != "text":
            return chunks
        words = [chunk for chunk in chunks if any(one["delta"].get("content") for one in chunk["choices"])]
        very = [{"index": 0, "delta": {"content": "very "}, "finish_reason": None}]
        return [chunks[0], *[chunks[0] | {"choices": very}] * (3 if words else 0), *chunks[1:]]

    sim.edit_stream(stuttering)


def think_in(sim: Simulator, field: str, value: JSON = None) -> None:
    """Bring the reasoning in a field of this name, in the form `value(text)`."""
    shaped = value or (lambda text: text)
    sim.traits(efforts=("low", "medium", "high"))
    sim.ignore("reasoning_effort")

    def message(asked: JSON, found: JSON) -> None:
        found[field] = shaped(found.pop("reasoning_content", None) or "")

    def usage(asked: JSON, answer: JSON) -> JSON:
        answer["usage"].pop("completion_tokens_details")
        return answer

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for chunk in chunks:
            (chunk.get("usage") or {}).pop("completion_tokens_details", None)
            for delta in [choice["delta"] for choice in chunk["choices"]]:
                if "reasoning_content" in delta:
                    delta[field] = shaped(delta.pop("reasoning_content"))
        return chunks

    sim.edit_message(message)
    sim.edit(usage)
    sim.edit_stream(stream)


@accepted(
    "r18-reasoning-text",
    "https://docs.github.com/en/copilot/reference/ai-models/supported-models",
    model="claude-opus-4.5",
    capabilities={"reasoning": True},
    shows='"reasoning_text"',
)
def _(sim: Simulator) -> None:
    """Copilot's API: the thoughts stand in `reasoning_text`."""
    think_in(sim, "reasoning_text")


@accepted(
    "r18-reasoning-details",
    "https://openrouter.ai/docs/use-cases/reasoning-tokens",
    path="/api/v1",
    model="minimax/minimax-m2",
    capabilities={"reasoning": True, "tool_calling": True},
    shows="reasoning.text",
)
def _(sim: Simulator) -> None:
    """OpenRouter and MiniMax: a list of `reasoning_details`."""
    think_in(sim, "reasoning_details", lambda text: [{"type": "reasoning.text", "text": text, "index": 0}])


@accepted(
    "r18-thinking-field",
    "https://github.com/ollama/ollama/issues/16632",
    model="deepseek-v4-pro:cloud",
    capabilities={"reasoning": True},
    shows='"thinking"',
)
def _(sim: Simulator) -> None:
    """A bridge to Ollama's own API: the thoughts stand in `thinking`."""
    think_in(sim, "thinking")


MARKED: tuple[tuple[str, str, str, str, str], ...] = (
    ("mistral", "[THINK]", "[/THINK]", "magistral-small", "https://docs.mistral.ai/capabilities/reasoning/"),
    ("kimi", "◁think▷", "◁/think▷", "kimi-vl-a3b-thinking", "https://github.com/MoonshotAI/Kimi-VL"),
    (
        "granite",
        "<reasoning>",
        "</reasoning>",
        "granite-x",
        "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
    ),
    (
        "harmony",
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "gpt-oss-20b",
        "https://cookbook.openai.com/articles/gpt-oss/handle-raw-cot",
    ),
)


def marked(opening: str, closing: str) -> Any:
    """An endpoint that puts its thoughts between these marks."""

    def change(sim: Simulator) -> None:
        """No parser takes the thoughts out of the content."""
        think_aloud(sim, opening, THOUGHT, closing)

    return change


for _name, _opening, _closing, _model, _source in MARKED:
    _told = {"reasoning": True, "system_message": True, "json_mode": True, "tool_calling": True}
    accepted(f"r18-marks-of-{_name}", _source, model=_model, capabilities=_told, shows=_opening)(
        marked(_opening, _closing)
    )


@accepted(
    "r18-no-marks-at-all",
    "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
    capabilities={"reasoning": False},
    shows="thinking",
)
def _(sim: Simulator) -> None:
    """A plain model that speaks of thinking in its answers does not think."""
    sim.edit_text(lambda asked, said: f"{said} (I was thinking fast)" if schema_of(asked) == "text" else said)
