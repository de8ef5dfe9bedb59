"""Completion: the older route, a prompt in and a text out."""

from __future__ import annotations

from collections.abc import Iterable

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.proof import proven_by
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.reading.completion.whole import read_completion, tokens
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/completions"
_MOST_LOGPROBS = 5
"""What OpenAI allows on this route."""


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """The smallest completion: a prompt, the token limit, and `stream` said plainly; no `suffix`, no
    `echo`.
    """
    asked = None if shape.plain else talk.sampling
    prompt = "Hello" if shape.plain else asked.prompt if asked else "One, two, three,"
    more = {"logprobs": min(asked.tops, _MOST_LOGPROBS)} if asked and asked.tops else {}
    return Request(
        ROUTE,
        shape.fit(
            {
                "model": model,
                "prompt": [prompt] if shape.content_list else prompt,
                "stream": shape.stream,
                **shape.limits(shape.limit),
                **more,
            }
        ),
    )


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A choice with `text`, or an end that says the model ran."""
    completion = read_completion(answer)
    if completion is None or completion.has_error or completion.text is None:
        return None  # a chat message in place of a text is another route's answer
    if completion.text.strip():
        return proven_by(completion, f"The model went on: {completion.text.strip()[:80]}")
    # White space counts too: a line end may be all that a base model adds.
    if completion.text or completion.cut or (tokens(completion.usage, "completion_tokens") or 0) > 0:
        return proven_by(completion, f"The model ran (finish_reason {completion.finish}).")
    return Doubtful("a choice came back with no text in it")


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: no limit, then the prompt in a list."""
    yield shape.because("set no token limit", limit_name=None)
    yield shape.because("sent the prompt as a list", content_list=True)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks, streams=True)
