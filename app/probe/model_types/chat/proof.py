"""Chat: the proof, and how a chat request is built from the shape that the proof learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.reading.completion.whole import RAN, Completion, read_completion
from app.probe.reading.refusal import read_refusal
from app.probe.shape import HIGHER_LIMIT, Shape
from app.probe.transport.answer import Answer

ROUTE = "/chat/completions"
PROMPT = "Reply with the single word OK."
PLAIN_PROMPT = "Hello"


def request_of(
    model: str,
    shape: Shape,
    messages: list[dict[str, Any]],
    limit: int | None = None,
    **more: Any,
) -> Request:
    """A chat request in the given shape; `limit` None takes the shape's own token limit."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(m, shape) for m in messages],
        "stream": shape.stream,
    }
    body |= shape.limits(shape.limit if limit is None else max(limit, shape.limit))
    return Request(ROUTE, shape.fit({**body, **more}))


def _message(message: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    content = message["content"]
    if shape.content_list and isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return {**message, "content": content}


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """The smallest chat request: one user message, the token limit, and `stream` said plainly."""
    asked = None if shape.plain else talk.sampling
    prompt = PLAIN_PROMPT if shape.plain else asked.prompt if asked else PROMPT
    more = {"logprobs": True, "top_logprobs": asked.tops} if asked and asked.tops else {}
    return request_of(model, shape, [{"role": "user", "content": prompt}], **more)


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """Whether a model spoke (docs/probe.md, "What proves a model type")."""
    completion = read_completion(answer)
    if completion is None and '"choices"' in answer.text and '"error"' not in answer.text:
        return _without_choice(answer)
    if completion is None or completion.has_error or completion.misplaced:
        return _broken(completion, answer)
    if completion.said_something:
        return proven_by(completion, _evidence(completion))
    if completion.end == "content_filter":
        return proven_by(
            completion,
            "A content filter ended the answer.",
            warning=(
                "prompt_filtered",
                "A content filter of the endpoint ended the answer; key and model were accepted. Relax the "
                "filter for the probe if its other checks tell too little.",
            ),
        )
    did = f"The model {'reasoned' if completion.thinks else 'ran'} (finish_reason {completion.finish})"
    if completion.cut:
        return proven_by(completion, f"{did} and said nothing within the limit.")
    if completion.logprobs and talk.sampling:
        return proven_by(completion, f"{did}: a token came with its log-probabilities.")
    # Without a limit that cut it, only thinking explains that tokens were made and nothing was said.
    ran = completion.end in RAN and completion.thinks
    stands = proven_by(completion, f"{did} and said nothing.") if ran else None
    return Doubtful("a choice came back with nothing in it", _another_prompt, stands)


def _broken(completion: Completion | None, answer: Answer) -> Doubtful | None:
    """Why an answer is none, where the endpoint itself does not say it."""
    if completion is not None and completion.end == "error" and not read_refusal(answer).text:
        return Doubtful("the answer ended with finish_reason `error` and does not say why")
    return None


def _without_choice(answer: Answer) -> Doubtful | None:
    """What is wrong with an answer that speaks of choices and brings none: broken off, or empty; where they
    stand inside of something else it is another API's, and its own words tell more.
    """
    if answer.json is None and not answer.events:
        return Doubtful("the JSON of the answer is cut off or not valid")
    wrapped = (
        isinstance(answer.json, list) or isinstance(answer.json, Mapping) and "choices" not in answer.json
    )
    return None if wrapped else Doubtful("an answer came back without any choice in it")


def _another_prompt(shape: Shape) -> Shape:
    limit = shape.limit if shape.fixed_limit else max(shape.limit, HIGHER_LIMIT)
    return replace(shape, plain=True, limit=limit).because(f"asked another prompt with up to {limit} tokens")


def proven_by(completion: Completion, evidence: str, warning: tuple[str, str] | None = None) -> Proven:
    """What a chat or completion answer proves."""
    return Proven(
        evidence,
        model=completion.model,
        warning=warning,
        thinks=completion.thinks,
        silent=completion.cut and not (completion.content or completion.calls),
    )


def _evidence(completion: Completion) -> str:
    if completion.content:
        before = "reasoned, then answered" if completion.thinks else "answered"
        return f"The model {before}: {completion.content[:80]}"
    if completion.calls:
        return "The model called a tool."
    thought = f"The model reasoned: {completion.reasoning[:60]}"
    return f"The model answered with {completion.aside}." if completion.aside else thought


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: no limit, then the newer limit, then a list of parts."""
    if shape.limit_name:
        yield shape.because("set no token limit", limit_name=None)
    if shape.limit_name == "max_tokens":
        yield shape.because(
            "named the token limit `max_completion_tokens`", limit_name="max_completion_tokens"
        )
    if not shape.content_list:
        yield shape.because("sent the content as a list of parts", content_list=True)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks, streams=True)
