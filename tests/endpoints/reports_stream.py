"""Field reports about streams and about what an answer holds."""

from __future__ import annotations

from typing import Any

from app.practice.mind import tokens
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import sse
from tests.endpoints.reports import report

JSON = Any
EVENTS = "text/event-stream"


def streamed(body: JSON) -> bool:
    """Whether a stream is asked for."""
    return bool(body.get("stream"))


def whole(change: Any) -> Any:
    """An edit of a reply for answers that are not streamed."""
    return lambda request, reply: (
        change(reply) if isinstance(reply.body, bytes) and reply.status == 200 else reply
    )


@report("stream-defaults-true-when-omitted")
def _(sim: Simulator) -> None:
    sim.reads(lambda body: {"stream": True} | body)


@report("stream-false-ignored-sse")
def _(sim: Simulator) -> None:
    sim.reads(lambda body: body | {"stream": True})
    sim.edit_stream(lambda asked, chunks: [chunk | {"object": "text_completion.chunk"} for chunk in chunks])


@report("stream-ignored-plain-json")
def _(sim: Simulator) -> None:
    sim.ignore("stream", "stream_options")


@report("single-data-event-full-completion")
def _(sim: Simulator) -> None:
    """Whatever is not asked to be streamed comes as one event, without a space, a role or an end."""

    def as_event(reply: Reply) -> Reply:
        answer = reply.json
        if "choices" not in answer:
            return reply
        for choice in answer["choices"]:
            choice["message"].pop("role", None)
        body = sse(answer, done=False).body
        assert isinstance(body, bytes)
        return Reply(200, body.replace(b"data: ", b"data:", 1), EVENTS)

    sim.edit_reply(whole(as_event))


@report("usage-fields-null-in-stream")
def _(sim: Simulator) -> None:
    def last(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        usage = {"prompt_tokens": 12, "completion_tokens": None, "total_tokens": None}
        return [chunk for chunk in chunks if chunk["choices"]] + [chunks[0] | {"choices": [], "usage": usage}]

    sim.edit_stream(last)


@report("sse-no-done-finish-reason-only")
def _(sim: Simulator) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    sim.edit_stream(
        lambda asked, chunks: sse(
            *[chunk for chunk in chunks if chunk["choices"]],
            chunks[0] | {"choices": [], "usage": usage},
            done=False,
        )
    )


@report("dashscope-qwen3-stream-only-unless-thinking-off")
def _(sim: Simulator) -> None:
    message = "parameter.enable_thinking must be set to false for non-streaming calls"
    sim.traits(efforts=("low", "medium", "high"))
    sim.refuse(
        error(400, message, code="invalid_parameter_error"),
        when=lambda body: not streamed(body) and body.get("enable_thinking") is not False,
    )
    sim.ignore("enable_thinking", "reasoning_effort", "thinking_budget")


@report("dashscope-data-error-line-no-done")
def _(sim: Simulator) -> None:
    failure = {
        "error": {"message": "An internal error has occurred during execution.", "type": "internal_error"}
    }
    sim.refuse(sse(failure, done=False), when=streamed)
    sim.refuse(as_json(failure, 500))


@report("openrouter-midstream-error-empty-choices")
def _(sim: Simulator) -> None:
    failure = {
        "code": 502,
        "message": "Worker local total request limit reached (33/32)",
        "metadata": {"error_type": "provider_unavailable"},
    }
    chunk = {"id": "gen-1", "object": "chat.completion.chunk", "choices": [], "error": failure}
    comment = b": OPENROUTER PROCESSING\n\n"
    sim.refuse(sse(comment, comment, chunk, done=False), when=streamed)
    sim.refuse(as_json({"id": "gen-1", "object": "chat.completion", "choices": [], "error": failure}))
    briefly(sim)


def briefly(sim: Simulator) -> None:
    """Make Muster's patience short: what is waited for does not come."""
    sim.settings |= {"probe_seconds": 3.0, "probe_wait_seconds": 0.2}


@report("hf-503-loading-estimated-time")
def _(sim: Simulator) -> None:
    message = "Model meta-llama/Llama-2-13b-chat is currently loading"
    sim.refuse(as_json({"error": message, "estimated_time": 20.0}, 503))
    briefly(sim)


@report("choices-null-error-payload")
def _(sim: Simulator) -> None:
    failure = {"message": "Internal Server Error", "code": 500}
    sim.refuse(as_json({"id": None, "choices": None, "error": failure}))


@report("ollama-500-needs-more-memory")
def _(sim: Simulator) -> None:
    message = "model requires more system memory (7.5 GiB) than is available (5.2 GiB)"
    sim.refuse(error(500, message, kind="api_error"))
    briefly(sim)


@report("siliconflow-content-list-glm")
def _(sim: Simulator) -> None:
    def as_list(asked: JSON, message: JSON) -> None:
        if message["content"]:
            message["content"] = [{"type": "text", "text": message["content"]}]

    sim.edit_message(as_list)


THOUGHTS = (
    "Okay, the user wants an answer to this request. Let me think about what they said and how they would "
    "like me to put it. I should keep to their words, say nothing else, and check it once more before I "
    "answer."
)


@report("unclosed-think-truncated")
def _(sim: Simulator) -> None:
    think_aloud(sim, "<think>", THOUGHTS, "</think>\n\n")


@report("stray-closing-think-tag")
def _(sim: Simulator) -> None:
    think_aloud(sim, "", "reasoning text\n", "</think>\n")


def think_aloud(sim: Simulator, opening: str, thoughts: str, closing: str) -> None:
    """Put the thoughts before every answer's text; they use up the token limit first."""
    thought = tokens(opening + thoughts + closing)

    def spoken(asked: JSON, said: str, limit: int) -> tuple[str, bool]:
        pieces = thought + tokens(said)
        return "".join(pieces[:limit]), len(pieces) > limit

    def message(asked: JSON, answer: JSON) -> JSON:
        for choice in answer["choices"]:
            here = choice["message"]
            here["content"], cut = spoken(asked, here["content"] or "", limit_of(asked))
            if cut:
                here.pop("tool_calls", None)
                choice["finish_reason"] = "length"
        return answer

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        said = "".join(
            choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
        )
        text, cut = spoken(asked, said, limit_of(asked))
        calls = [
            chunk for chunk in chunks if any("tool_calls" in choice["delta"] for choice in chunk["choices"])
        ]
        first, last = chunks[0], [chunk for chunk in chunks if chunk["choices"]][-1]
        if cut:
            last["choices"][0]["finish_reason"], calls = "length", []
        words = [
            first | {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            for piece in tokens(text)
        ]
        return [first, *words, *calls, last, *[chunk for chunk in chunks if not chunk["choices"]]]

    sim.edit(message)
    sim.edit_stream(stream)


def limit_of(asked: JSON) -> int:
    """The token limit asked for; a model's own where there is none."""
    return int(asked.get("max_completion_tokens") or asked.get("max_tokens") or 4096)
