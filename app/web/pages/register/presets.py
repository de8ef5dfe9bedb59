"""Known servers and vendors: their base URL, the key they want, the usual mistake.

To add one, add a row to `PRESETS`. `base_url` holds a part in capitals (`YOUR-RESOURCE`) only where
nobody can know it; servers that people run themselves stand at localhost with their usual port.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.config import settings

NO_KEY = "None, unless you started it with one"
OWN = "Servers you run"
VENDOR = "Vendors"
PRACTICE = "Practice"


@dataclass(frozen=True, slots=True)
class Preset:
    """One server or vendor. `values` fills further fields of the form by their names."""

    name: str
    label: str
    group: str
    base_url: str
    key: str
    mistake: str
    values: tuple[tuple[str, str], ...] = ()

    @property
    def fills(self) -> dict[str, str]:
        """What it puts into the form, by the names of its fields; never a key."""
        return {"base_url": self.base_url, **dict(self.values)}


# fmt: off
PRESETS: tuple[Preset, ...] = (
    Preset("vllm", "vLLM", OWN, "http://localhost:8000/v1", NO_KEY + " (--api-key)",
           "The base URL without /v1. The id is what --served-model-name says, else the repository name."),
    Preset("ollama", "Ollama", OWN, "http://localhost:11434/v1", "None",
           "/api instead of /v1. Model ids carry a tag, as in llama3.2:3b."),
    Preset("llamacpp", "llama.cpp server", OWN, "http://localhost:8080/v1", NO_KEY + " (--api-key)",
           "It serves the one model it has under any id; for tools it must run with --jinja."),
    Preset("lmstudio", "LM Studio", OWN, "http://localhost:1234/v1", "None",
           "The server must be started, and must listen on the network if Muster runs on another machine."),
    Preset("sglang", "SGLang", OWN, "http://localhost:30000/v1", NO_KEY + " (--api-key)",
           "The base URL without /v1. Tools need --tool-call-parser."),
    Preset("tgi", "Text Generation Inference", OWN, "http://localhost:8080/v1", "None",
           "The root without /v1 speaks its own protocol."),
    Preset("tei", "Text Embeddings Inference", OWN, "http://localhost:8080/v1", NO_KEY + " (--api-key)",
           "Only embeddings and rerank: choose that model type.", (("model_type", "embedding"),)),
    Preset("infinity", "Infinity", OWN, "http://localhost:7997", NO_KEY + " (--api-key)",
           "By default its routes stand at the root, without /v1.", (("model_type", "embedding"),)),
    Preset("litellm", "LiteLLM proxy", OWN, "http://localhost:4000/v1", "A virtual key (sk-…)",
           "A virtual key may be limited to some models. The model id is the alias of its configuration."),
    Preset("localai", "LocalAI", OWN, "http://localhost:8080/v1", NO_KEY,
           "The first call loads the model and can take minutes."),
    Preset("xinference", "Xinference", OWN, "http://localhost:9997/v1", NO_KEY,
           "The model id is the model's uid, not its name."),
    Preset("openwebui", "Open WebUI", OWN, "http://localhost:3000/api",
           "An API key from Settings, Account (sk-…)",
           "The base is /api, not /v1; API keys must be allowed by its administrator."),
    Preset("triton", "NVIDIA NIM, self-hosted", OWN, "http://localhost:8000/v1", "None",
           "The base URL without /v1."),
    Preset("openai", "OpenAI", VENDOR, "https://api.openai.com/v1", "A project key (sk-proj-…)",
           "A project can be barred from a model although the key is right.", (("region", "us"),)),
    Preset("azure", "Azure OpenAI", VENDOR, "https://YOUR-RESOURCE.openai.azure.com/openai/v1",
           "Key 1 or 2 of the resource", "The model id is the deployment's name, not the model's."),
    Preset("anthropic", "Anthropic", VENDOR, "https://api.anthropic.com/v1", "An API key (sk-ant-…)",
           "A key of the console is needed; a subscription's does not work.", (("region", "us"),)),
    Preset("gemini", "Google Gemini", VENDOR, "https://generativelanguage.googleapis.com/v1beta/openai",
           "An API key of AI Studio (AIza…)", "The base ends with /v1beta/openai."),
    Preset("bedrock", "Amazon Bedrock", VENDOR, "https://bedrock-runtime.YOUR-REGION.amazonaws.com/openai/v1",
           "A Bedrock API key", "Not every model of Bedrock is served this way."),
    Preset("groq", "Groq", VENDOR, "https://api.groq.com/openai/v1", "An API key (gsk_…)",
           "The base URL without /openai."),
    Preset("mistral", "Mistral", VENDOR, "https://api.mistral.ai/v1", "An API key of the workspace",
           "A workspace without a plan answers 401.", (("region", "europe"),)),
    Preset("deepseek", "DeepSeek", VENDOR, "https://api.deepseek.com/v1", "An API key (sk-…)",
           "An account without balance answers 402."),
    Preset("together", "Together", VENDOR, "https://api.together.xyz/v1", "An API key",
           "Some models need a dedicated endpoint before they answer."),
    Preset("fireworks", "Fireworks", VENDOR, "https://api.fireworks.ai/inference/v1", "An API key (fw_…)",
           "Model ids are full paths: accounts/fireworks/models/…"),
    Preset("openrouter", "OpenRouter", VENDOR, "https://openrouter.ai/api/v1", "An API key (sk-or-…)",
           "The base URL without /api. Free models have a small daily quota."),
    Preset("xai", "xAI", VENDOR, "https://api.x.ai/v1", "An API key (xai-…)",
           "A team without credits answers 403."),
    Preset("cerebras", "Cerebras", VENDOR, "https://api.cerebras.ai/v1", "An API key (csk-…)",
           "Ids are short, as in llama3.1-8b."),
    Preset("deepinfra", "DeepInfra", VENDOR, "https://api.deepinfra.com/v1/openai", "An API key",
           "The base ends with /v1/openai, not /v1."),
    Preset("nvidia", "NVIDIA API catalog", VENDOR, "https://integrate.api.nvidia.com/v1",
           "An API key (nvapi-…)",
           "Ids carry the publisher: meta/llama-3.1-8b-instruct."),
    Preset("huggingface", "Hugging Face router", VENDOR, "https://router.huggingface.co/v1", "A token (hf_…)",
           "The token needs the permission to call inference providers."),
    Preset("cohere", "Cohere", VENDOR, "https://api.cohere.ai/compatibility/v1", "An API key",
           "The base ends with /compatibility/v1."),
    Preset("perplexity", "Perplexity", VENDOR, "https://api.perplexity.ai", "An API key (pplx-…)",
           "No /v1 in the base URL."),
    Preset("dashscope", "Alibaba DashScope", VENDOR, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
           "An API key (sk-…)",
           "Keys belong to one region: the international host refuses those of the mainland."),
    Preset("zai", "Z.ai", VENDOR, "https://api.z.ai/api/paas/v4", "An API key",
           "The base ends with /api/paas/v4."),
    Preset("moonshot", "Moonshot", VENDOR, "https://api.moonshot.ai/v1", "An API key (sk-…)",
           "Keys of the .cn platform do not work at .ai, and the reverse."),
    Preset("sambanova", "SambaNova", VENDOR, "https://api.sambanova.ai/v1", "An API key",
           "Ids are case-sensitive."),
    Preset("nebius", "Nebius", VENDOR, "https://api.studio.nebius.com/v1", "An API key",
           "Ids carry the publisher.",
           (("region", "europe"),)),
    Preset("novita", "Novita", VENDOR, "https://api.novita.ai/openai/v1", "An API key",
           "The base URL without /openai."),
    Preset("siliconflow", "SiliconFlow", VENDOR, "https://api.siliconflow.com/v1", "An API key (sk-…)",
           "Ids carry the publisher: Qwen/Qwen2.5-7B-Instruct."),
    Preset("github", "GitHub Models", VENDOR, "https://models.github.ai/inference",
           "A token with the scope models:read",
           "No /v1 in the base URL; ids carry the publisher."),
    Preset("cloudflare", "Cloudflare Workers AI", VENDOR,
           "https://api.cloudflare.com/client/v4/accounts/YOUR-ACCOUNT/ai/v1", "An API token for Workers AI",
           "Ids begin with @cf/."),
    Preset("databricks",
           "Databricks", VENDOR, "https://YOUR-WORKSPACE.cloud.databricks.com/serving-endpoints",
           "A personal access token (dapi…)", "The model id is the serving endpoint's name."),
    Preset("scaleway", "Scaleway", VENDOR, "https://api.scaleway.ai/v1", "A secret key of IAM",
           "The key needs the permission for generative APIs.", (("region", "europe"),)),
    Preset("jina", "Jina", VENDOR, "https://api.jina.ai/v1", "An API key (jina_…)",
           "Only embeddings and rerank: choose that model type.", (("model_type", "embedding"),)),
    Preset("voyage", "Voyage", VENDOR, "https://api.voyageai.com/v1", "An API key (pa-…)",
           "Only embeddings and rerank: choose that model type.", (("model_type", "embedding"),)),
)
# fmt: on


def practice() -> Preset | None:
    """The practice endpoint where it runs, with values that work as they are."""
    base_url = settings().practice_url
    if not base_url:
        return None
    return Preset(
        "practice", "Practice endpoint on this machine", PRACTICE, base_url, "Its own, already in place",
        "Nothing costs anything here: type a wrong key or model id and see what the probe says.",
        (("model_type", "chat"), ("model_id", "practice-chat"),
         ("display_name", "Practice chat"), ("region", "local")),
    )  # fmt: skip


def offered() -> tuple[Preset, ...]:
    """Every preset that can be chosen now, the practice endpoint first where it runs."""
    here = practice()
    return (*((here,) if here else ()), *PRESETS)


def groups() -> list[tuple[str, list[Preset]]]:
    """The presets by group, in the order of the table."""
    made = [(group, [p for p in offered() if p.group == group]) for group in (PRACTICE, OWN, VENDOR)]
    return [(group, rows) for group, rows in made if rows]


def by_name(name: str) -> Preset | None:
    """The preset of this name, if it is offered."""
    return next((preset for preset in offered() if preset.name == name), None)
