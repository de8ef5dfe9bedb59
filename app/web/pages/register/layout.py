"""How the fields of the form stand on the page, in which order, and what only a browser needs to be told.

Label, help, unit and rules of a field are in `app/registry/form.py`. A test checks that each has a row here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """One field: `also` is said after its help, `wide` takes the whole row, `mono` is for ids and URLs."""

    name: str
    also: str = ""
    placeholder: str = ""
    wide: bool = False
    mono: bool = False
    inputmode: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form."""

    name: str
    label: str
    note: str
    hints: tuple[Hint, ...]
    all_optional: bool = False


_CONNECTION = Section(
    "connection",
    "Connection",
    "Where the model is served. The probe starts here.",
    (
        Hint("base_url", "Muster corrects nothing silently; if another URL works, it suggests that one.",
             "https://llm.example.com/v1", wide=True, mono=True, inputmode="url"),
        Hint("api_key", "Stored encrypted, sent only to this endpoint, never shown.", mono=True),
        Hint("model_id", "Case-sensitive.", "meta-llama/Llama-3.1-8B-Instruct", mono=True),
        Hint("model_type"),
        Hint("configuration_model_id", mono=True),
    ),
)  # fmt: skip

_GENERAL = Section(
    "general",
    "General",
    "The name people see here.",
    (
        Hint("display_name", placeholder="Llama 3.1 8B, Frankfurt"),
        Hint("region", placeholder="on-prem"),
        Hint("description", wide=True),
        Hint("max_tokens", "Empty: the endpoint's limit.", inputmode="numeric"),
        Hint("temperature", "Empty: the endpoint's default.", inputmode="decimal"),
        Hint("benchmark_model", mono=True),
    ),
)

_PRICING = Section(
    "pricing",
    "Pricing",
    "In US dollars. Vendors state prices per 1,000 or per 1,000,000 tokens: these are per 1,000,000. "
    "All optional: empty means not known, 0 means free.",
    (
        Hint("input_cost", inputmode="decimal"),
        Hint("output_cost", inputmode="decimal"),
        Hint("cache_read_cost", inputmode="decimal"),
        Hint("cache_write_cost", inputmode="decimal"),
        Hint("cost_per_image", "Only for models that make images.", inputmode="decimal"),
    ),
    all_optional=True,
)

_CAPABILITIES = Section(
    "capabilities",
    "Capabilities",
    "What you declare is kept as declared, and the probe checks it. Where you declare nothing, the model "
    "gets what the probe sees.",
    (
        Hint("supports_tool_calling"),
        Hint("supports_strict_tool"),
        Hint("supports_vision"),
        Hint("has_reasoning"),
        Hint("supports_image_edit", "Only for image models."),
    ),
)

SECTIONS: tuple[Section, ...] = (_CONNECTION, _GENERAL, _PRICING, _CAPABILITIES)
