"""The models of the practice endpoint, a row each, and their catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KEY = "practice-key"
VOICES = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")


@dataclass(frozen=True, slots=True)
class Model:
    """What one model can do. `pause_s`: seconds it thinks before its first word; prices in USD per token."""

    id: str
    kind: str = "chat"
    tools: bool = True
    parallel_tools: bool = True
    vision: bool = True
    efforts: tuple[str, ...] = ()
    """Levels of reasoning_effort that are taken; a model without any does not reason."""
    tools_need_effort: str = ""
    """The level of reasoning_effort that alone is taken together with tools; "" takes any."""
    thinks_aloud: bool = False
    """Its thinking stands in the content, between `<think>` marks."""
    unsteady: bool = False
    """Every third request with tools fails, as where a server can't read what its model wrote."""
    filtered: bool = False
    """A content filter ends every answer before a word is said."""
    pause_s: float = 0.0
    context_length: int = 32_768
    max_output: int = 4_096
    dimensions: int = 256
    owner: str = "practice"
    prompt_price: str = "0.0000005"
    completion_price: str = "0.0000015"

    @property
    def reasons(self) -> bool:
        """Whether it thinks before it speaks."""
        return bool(self.efforts)


MODELS = (
    Model("practice-chat"),
    Model("practice-chat-no-tools", tools=False, vision=False),
    Model("practice-chat-slow", pause_s=3.0),
    Model("practice-reasoning", efforts=("low", "medium", "high")),
    Model(
        "practice-tools-without-effort", efforts=("none", "low", "medium", "high"), tools_need_effort="none"
    ),
    Model("practice-thinks-aloud", efforts=("low", "medium", "high"), thinks_aloud=True),
    Model("practice-unsteady", unsteady=True),
    Model("practice-filtered", filtered=True),
    Model("practice-completion", "completion"),
    Model("practice-embedding", "embedding", context_length=8_192, completion_price="0"),
    Model("practice-rerank", "rerank", context_length=8_192, completion_price="0"),
    Model("practice-image", "image"),
    Model("practice-stt", "stt"),
    Model("practice-tts", "tts"),
    Model("practice-moderation", "moderation"),
)


def catalog(models: Iterable[Model]) -> dict[str, Any]:
    """`GET /models` as OpenAI lists them, with the metadata that OpenRouter and vLLM add."""
    return {"object": "list", "data": [entry(model) for model in models]}


def entry(model: Model) -> dict[str, Any]:
    """One model of the catalog."""
    listed: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": 1_735_689_600,
        "owned_by": model.owner,
    }
    if model.kind in ("chat", "completion", "embedding", "rerank"):
        listed["context_length"] = model.context_length
        listed["pricing"] = {"prompt": model.prompt_price, "completion": model.completion_price}
    return listed
