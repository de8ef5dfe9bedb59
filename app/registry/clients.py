"""Which clients a chat model works with: what each needs, where that is said, and the answer for a model.

A row is read from its client's own documentation or issue threads, on the day that it names. A need that is
`required` decides; what is `helpful` only narrows what the client can do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Select

from app.store.model_filters import was_seen
from app.store.models import RegisteredModel

Works = Literal["yes", "no", "not_told"]
WORKS: tuple[Works, ...] = ("yes", "no", "not_told")
MODEL_TYPE = "chat"
"""The table is about models of this type."""
_READ = date(2026, 11, 27)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that calls chat models, and the capabilities that it needs, by their names.

    `source` is a public page that says so, `read` the day on which it was read. `note` is what people must
    know besides.
    """

    name: str
    label: str
    required: tuple[str, ...]
    helpful: tuple[str, ...]
    source: str
    note: str = ""
    read: date = _READ


# fmt: off
CLIENTS: tuple[Client, ...] = (
    Client("aider", "Aider", (), ("streaming", "system_message"),
           "https://aider.chat/docs/llms/openai-compat.html",
           "Edits come as text, so any chat model is taken."),
    Client("claude-code", "Claude Code through a gateway",
           ("streaming", "streamed_tool_calling", "tool_calling", "tool_results"),
           ("many_tools", "streamed_parallel_tool_calls", "system_message_list", "reasoning", "vision"),
           "https://docs.litellm.ai/docs/anthropic_unified/native_passthrough",
           "It speaks Anthropic's Messages API; a gateway translates that into chat completions."),
    Client("cline", "Cline", ("streaming", "tool_calling", "tool_results"),
           ("streamed_tool_calling", "many_tools", "vision", "stream_usage"),
           "https://github.com/cline/cline/pull/12835"),
    Client("codex-cli", "Codex CLI", ("responses_api", "responses_streaming", "responses_tools"),
           ("reasoning",),
           "https://github.com/openai/codex/issues/31083",
           "Chat completions were removed from it in February 2026."),
    Client("continue", "Continue, agent mode", ("tool_calling", "tool_results"),
           ("streaming", "streamed_tool_calling", "tool_call_ids", "vision"),
           "https://docs.continue.dev/customize/deep-dives/model-capabilities"),
    Client("cursor", "Cursor with its base URL overridden", ("streaming",), ("tool_calling", "vision"),
           "https://ngrok.com/docs/ai-gateway/agents/cursor",
           "Requests come from Cursor's servers, so the base URL must be reachable from the internet."),
    Client("dify", "Dify", (), ("streaming", "tool_calling", "vision"),
           "https://support.huaweicloud.com/usermanual-maas-modelarts/maas-modelarts-0025.html",
           "Set its field Function calling to what was observed here."),
    Client("home-assistant", "Home Assistant with Extended OpenAI Conversation",
           ("tool_calling", "tool_results"), ("system_message",),
           "https://github.com/jekalmin/extended_openai_conversation/pull/24",
           "The integration that comes with Home Assistant calls OpenAI's own servers only."),
    Client("langchain", "LangChain agents", ("tool_calling", "tool_results"),
           ("json_schema", "parallel_tool_calls", "stream_usage", "tool_choice"),
           "https://langchain-ai.github.io/langgraphjs/agents/models"),
    Client("librechat", "LibreChat", ("streaming",),
           ("tool_calling", "streamed_tool_calling", "vision", "system_message"),
           "https://www.librechat.ai/docs/compatibility"),
    Client("litellm", "LiteLLM", (), ("streaming", "stream_usage", "tool_calling"),
           "https://docs.litellm.ai/docs/providers/openai_compatible.md"),
    Client("llamaindex", "LlamaIndex OpenAILike", (), ("tool_calling", "tool_results", "streaming"),
           "https://developers.llamaindex.ai/python/framework-api-reference/llms/openai_like",
           "Set is_chat_model, and is_function_calling_model to what was observed here."),
    Client("n8n", "n8n AI Agent", ("tool_calling", "tool_results"), ("streaming", "json_schema"),
           "https://docs.n8n.io/integrations/builtin/cluster-nodes/root-nodes/n8n-nodes-langchain.agent.md"),
    Client("opencode", "OpenCode",
           ("streaming", "streamed_tool_calling", "tool_calling", "tool_results"),
           ("many_tools", "tool_call_ids", "vision"),
           "https://opencode.ai/v1/docs/models/"),
    Client("open-webui", "Open WebUI", ("streaming",),
           ("streamed_tool_calling", "tool_calling", "vision", "system_message"),
           "https://docs.openwebui.com/getting-started/quick-start/starting-with-openai-compatible"),
    Client("pydantic-ai", "Pydantic AI", ("tool_calling",),
           ("json_schema", "strict_tool", "tool_choice", "tool_results"),
           "https://pydantic.dev/docs/ai/api/models/ollama/",
           "Structured output is asked for as a tool call, unless NativeOutput is chosen."),
    Client("roo-code", "Roo Code", ("tool_calling", "tool_results"),
           ("streaming", "streamed_tool_calling", "many_tools", "vision"),
           "https://docs.roocode.com/update-notes/v3.33.1"),
    Client("vercel-ai-sdk", "Vercel AI SDK", (),
           ("streaming", "stream_usage", "tool_calling", "json_schema"),
           "https://ai-sdk.dev/providers/openai-compatible-providers.md",
           "Set supportsStructuredOutputs to what was observed here."),
    Client("zed", "Zed agent panel", ("streaming", "streamed_tool_calling", "tool_calling", "tool_results"),
           ("parallel_tool_calls", "vision"),
           "https://docs.orq.ai/docs/integrations/code-assistants/zed",
           "Zed believes the capabilities in its settings; set them to what was observed here."),
)
# fmt: on

CLIENT_BY_NAME: Mapping[str, Client] = {client.name: client for client in CLIENTS}


@dataclass(frozen=True, slots=True)
class WorksWith:
    """The answer for one client.

    `decided_by` are the required capabilities behind a no (they were seen missing) or a "not told" (no probe
    could tell them); `limited_by` are the helpful ones that were seen missing.
    """

    client: Client
    works: Works
    decided_by: tuple[str, ...] = ()
    limited_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same for the API."""
        return {
            "client": self.client.name,
            "label": self.client.label,
            "works": self.works,
            "decided_by": list(self.decided_by),
            "limited_by": list(self.limited_by),
            "required": list(self.client.required),
            "helpful": list(self.client.helpful),
            "note": self.client.note,
            "source": self.client.source,
            "source_read": self.client.read.isoformat(),
        }


def works_with(model_type: str, capabilities: Mapping[str, Mapping[str, Any]]) -> list[WorksWith]:
    """The answer for each client, from the `capabilities` of a report or a model; empty for other types.

    Only what a probe observed counts. What a person declared tells nothing.
    """
    if model_type != MODEL_TYPE:
        return []
    return [_answer(client, capabilities) for client in CLIENTS]


def _answer(client: Client, capabilities: Mapping[str, Mapping[str, Any]]) -> WorksWith:
    limited = _observed_as(False, client.helpful, capabilities)
    missing = _observed_as(False, client.required, capabilities)
    if missing:
        return WorksWith(client, "no", missing, limited)
    untold = _observed_as(None, client.required, capabilities)
    return WorksWith(client, "not_told" if untold else "yes", untold, limited)


def _observed_as(
    state: bool | None, names: Sequence[str], capabilities: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    return tuple(name for name in names if (capabilities.get(name) or {}).get("observed") is state)


def only_working_with(query: Select[Any], name: str | None) -> Select[Any]:
    """The query for models that a client works with; unchanged where no client is named."""
    if name is None:
        return query
    needs = (was_seen(capability, RegisteredModel) for capability in CLIENT_BY_NAME[name].required)
    return query.where(RegisteredModel.model_type == MODEL_TYPE, *needs)
