"""LiteLLM's names beside Muster's, a row each, for both directions.

Sources, read in November 2026: docs.litellm.ai/docs/proxy/configs (`model_list`, `litellm_params`,
`model_info`, `os.environ/NAME`), docs.litellm.ai/docs/providers/openai_compatible (`openai/`,
`text-completion-openai/`), and of github.com/BerriAI/litellm `types/router.py`, `constants.py`
(`openai_compatible_providers`) and the first entry of `model_prices_and_context_window.json`, which names
the members of `model_info` and the modes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

ENVIRON = "os.environ/"
"""A value that begins so names an environment variable of the LiteLLM server."""

NO_KEY = "none"
"""What stands for a key where none is needed: without any, LiteLLM would send its own OPENAI_API_KEY."""

OPENAI = "https://api.openai.com/v1"
"""Where LiteLLM finds `openai/` models that have no api_base."""

EXTENSION = "muster"
"""Member of `model_info` for what LiteLLM has no word for; it allows members of others there."""

MODES: Mapping[str, str] = {
    "chat": "chat",
    "completion": "completion",
    "embedding": "embedding",
    "image": "image_generation",
    "rerank": "rerank",
    "stt": "audio_transcription",
    "tts": "audio_speech",
    "moderation": "moderation",
    "realtime": "realtime",
}
"""Model type -> `model_info.mode`."""


class Name(NamedTuple):
    """One member of `model_info`: its name, the metadata field it tells, the request field that declares it.

    A price is per token there and per 1,000,000 tokens here.
    """

    name: str
    metadata: str
    declared_by: str | None = None
    is_price: bool = False


WORDS: tuple[Name, ...] = (
    Name("max_input_tokens", "max_input_tokens"),
    Name("max_output_tokens", "max_output_tokens", "max_tokens"),
    Name("output_vector_size", "embedding_dimensions"),
    Name("input_cost_per_token", "million_tokens_input_cost", "input_cost", True),
    Name("output_cost_per_token", "million_tokens_output_cost", "output_cost", True),
    Name("cache_read_input_token_cost", "million_tokens_cache_read_cost", "cache_read_cost", True),
    Name("cache_creation_input_token_cost", "million_tokens_cache_write_cost", "cache_write_cost", True),
    Name("output_cost_per_image", "cost_per_image", "cost_per_image"),
    Name("supports_function_calling", "supports_tool_calling", "supports_tool_calling"),
    Name("supports_parallel_function_calling", "supports_parallel_tool_calls"),
    Name("supports_tool_choice", "supports_tool_choice"),
    Name("supports_response_schema", "supports_json_schema_response_format"),
    Name("supports_system_messages", "supports_system_message"),
    Name("supports_native_streaming", "supports_streaming"),
    Name("supports_reasoning", "supports_reasoning", "has_reasoning"),
    Name("supports_vision", "supports_vision", "supports_vision"),
)

EXTRA = ("display_name", "region", "supports_strict_tool", "supports_image_edit")
"""Request fields that LiteLLM has no word for; they stand in the extension by their own names."""

COMPATIBLE = frozenset(
    """openai text-completion-openai custom_openai openai_like hosted_vllm litellm_proxy llamafile
    lm_studio docker_model_runner xinference anyscale groq nvidia_nim cerebras baseten sambanova
    volcengine deepseek tencent deepinfra xai zai together_ai fireworks_ai empower friendliai github
    galadriel novita meta_llama publicai synthetic nano-gpt poe chutes parasail featherless_ai nscale
    nebius dashscope moonshot v0 helicone morph lambda_ai inception hyperbolic vercel_ai_gateway aiml
    wandb cometapi openrouter mistral""".split()
)
"""Kinds (what stands before the / of `litellm_params.model`) that speak OpenAI's API at their api_base."""

BASES: Mapping[str, str] = {
    "openai": OPENAI,
    "text-completion-openai": OPENAI,
    "cerebras": "https://api.cerebras.ai/v1",
    "dashscope": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "deepseek": "https://api.deepseek.com/v1",
    "featherless_ai": "https://api.featherless.ai/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "groq": "https://api.groq.com/openai/v1",
    "hyperbolic": "https://api.hyperbolic.xyz/v1",
    "lambda_ai": "https://api.lambda.ai/v1",
    "meta_llama": "https://api.llama.com/compat/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "novita": "https://api.novita.ai/v3/openai",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "together_ai": "https://api.together.xyz/v1",
    "volcengine": "https://ark.cn-beijing.volces.com/api/v3",
    "xai": "https://api.x.ai/v1",
}
"""Where LiteLLM finds models of a kind that have no api_base."""

_OLLAMA = "Ollama serves OpenAI's API under /v1: write openai/<model> with api_base http://<host>:11434/v1."
_AZURE = "Azure serves OpenAI's API under /openai/v1: write openai/<deployment> with that api_base."

HINTS: Mapping[str, str] = {
    "ollama": _OLLAMA,
    "ollama_chat": _OLLAMA,
    "azure": _AZURE,
    "azure_ai": _AZURE,
    "vllm": "That runs vLLM inside of LiteLLM; for a server write hosted_vllm/<model> with its api_base.",
    "gemini": "Google serves OpenAI's API too: write openai/<model> with that api_base.",
}
"""What to do about a kind that Muster can't take as it is."""


def per_token(price: float) -> float:
    """USD per 1,000,000 tokens as USD per token, without the noise of binary fractions."""
    return float(Decimal(repr(price)) / 1_000_000)


def per_million(price: float) -> float:
    """USD per token as USD per 1,000,000 tokens; what is too large for a float becomes infinite."""
    return float(Decimal(repr(price)) * 1_000_000)


def variable_part(text: str) -> str:
    """A text as a part of an environment variable's name: A to Z, 0 to 9 and _; it may come out empty."""
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")[:128]
