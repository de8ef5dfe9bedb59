"""The capabilities, a row each: from a row follow the report, the chips and filters of the lists, the fields
of the model document and the words on pages.

How a capability is found out stands with the model type's checks, under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EFFORT_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh")


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    """One capability.

    `label` names it for people, `chip` in a list at a glance ("" = not shown there). `fills` are the fields
    of the model document that it fills. `is_filter` says whether lists can be filtered by it; the catalogue
    of consumers filters by those that have a chip. `model_types` are the names of the types that have it.
    """

    name: str
    label: str
    chip: str = ""
    fills: tuple[str, ...] = ()
    is_filter: bool = True
    model_types: tuple[str, ...] = ("chat",)
    is_always_told: bool = True
    """The report names it even where it was not asked."""


def _effort(level: str) -> CapabilityRow:
    fills = (f"supports_reasoning_effort_{level}",)
    label = f"Reasoning effort: {level}"
    return CapabilityRow(
        f"reasoning_effort_{level}", label, fills=fills, is_filter=False, is_always_told=False
    )


# fmt: off
CAPABILITIES: tuple[CapabilityRow, ...] = (
    CapabilityRow("streaming", "Streaming", "stream", ("supports_streaming",)),
    CapabilityRow("stream_usage", "Usage in streams"),
    CapabilityRow("system_message", "System message", fills=("supports_system_message",)),
    CapabilityRow("system_message_list", "System message in parts", is_filter=False),
    CapabilityRow("developer_message", "Developer message", fills=("supports_developer_message",)),
    CapabilityRow("tool_calling", "Tool calling", "tools", ("supports_tool_calling",)),
    CapabilityRow("tool_choice", "Forced tool call", fills=("supports_tool_choice",)),
    CapabilityRow("parallel_tool_calls", "Parallel tool calls", fills=("supports_parallel_tool_calls",)),
    CapabilityRow("streamed_tool_calling", "Streamed tool calls"),
    CapabilityRow("streamed_parallel_tool_calls", "Streamed parallel tool calls", is_filter=False),
    CapabilityRow("tool_call_ids", "Tool call ids"),
    CapabilityRow("tool_results", "Results of tools"),
    CapabilityRow("tool_choice_none", "Forbidden tool call", is_filter=False),
    CapabilityRow("many_tools", "Many tools"),
    CapabilityRow("tools_with_json_schema", "Tools with a JSON schema"),
    CapabilityRow("tools_with_reasoning", "Tools while reasoning"),
    CapabilityRow("strict_tool", "Strict tools", "strict tools", ("supports_strict_tool",)),
    CapabilityRow("json_mode", "JSON mode", fills=("supports_json_mode_response_format",)),
    CapabilityRow("json_schema", "JSON schema", "schema",
                  ("supports_json_schema_response_format", "supports_structured_outputs")),
    CapabilityRow("vision", "Vision", "vision", ("supports_vision", "supports_image_input")),
    CapabilityRow("reasoning", "Reasoning", "reasoning", ("supports_reasoning",)),
    CapabilityRow("reasoning_effort", "Reasoning effort"),
    *map(_effort, EFFORT_LEVELS),
    CapabilityRow("max_completion_tokens", "Completion token limit",
                  fills=("supports_max_completion_tokens",)),
    CapabilityRow("sampling_params", "Sampling parameters", fills=("supports_sampling_params",)),
    CapabilityRow("logprobs", "Log-probabilities"),
    CapabilityRow("responses_api", "Responses API", fills=("supports_responses_api",)),
    CapabilityRow("responses_tools", "Responses API: tools"),
    CapabilityRow("responses_streaming", "Responses API: streaming"),
    CapabilityRow("context_window", "Context read to its start", is_filter=False, is_always_told=False),
    CapabilityRow("image_edit", "Image edit", "edit", ("supports_image_edit",), model_types=("image",)),
)
# fmt: on

CAPABILITY_BY_NAME: Mapping[str, CapabilityRow] = {row.name: row for row in CAPABILITIES}


def capabilities_of(model_type: str) -> Mapping[str, tuple[str, ...]]:
    """The capabilities of a model type by name, with the document fields that each fills."""
    return {row.name: row.fills for row in CAPABILITIES if model_type in row.model_types}


def label_of(name: str) -> str:
    """What people call a capability; one without a row goes by its name."""
    return next((row.label for row in CAPABILITIES if row.name == name), name)
