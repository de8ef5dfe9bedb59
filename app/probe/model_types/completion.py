"""Completion: the older route, a prompt in and a text out."""

from __future__ import annotations

from collections.abc import Iterable

from app.probe.conversation import Conversation, Request
from app.probe.model_types.chat.proof import shown
from app.probe.proof import Doubtful, Proof, Proven
from app.probe.reading.completion import read_completion, tokens
from app.probe.shape import Shape
from app.probe.transport.answer import Answer

ROUTE = "/completions"


def proof_request(run: Conversation, model: str, shape: Shape) -> Request:
    """The smallest completion: a prompt, the token limit, and `stream` said plainly; no `suffix`, no
    `echo`.
    """
    prompt = "Hello" if shape.plain else "One, two, three,"
    return Request(
        ROUTE,
        shape.fit(
            {
                "model": model,
                "prompt": [prompt] if shape.content_list else prompt,
                "stream": shape.stream,
                **shape.limits(shape.limit),
            }
        ),
    )


def judge_proof(answer: Answer, run: Conversation) -> Proven | Doubtful | None:
    """A choice with `text`, or an end that says the model ran."""
    spoken = read_completion(answer)
    if spoken is None or spoken.has_error or spoken.text is None:
        return None  # a chat message in place of a text is another route's answer
    if spoken.text.strip():
        return shown(spoken, f"The model went on: {spoken.text.strip()[:80]}")
    # White space counts too: a line end may be all that a base model adds.
    if spoken.text or spoken.cut or (tokens(spoken.usage, "completion_tokens") or 0) > 0:
        return shown(spoken, f"The model ran (finish_reason {spoken.finish}).")
    return Doubtful("a choice came back with no text in it")


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: no limit, then the prompt in a list."""
    yield shape.because("set no token limit", limit_name=None)
    yield shape.because("sent the prompt as a list", content_list=True)


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks, streams=True)
