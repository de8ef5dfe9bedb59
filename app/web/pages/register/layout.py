"""How the fields of the form stand on the page, in which order, and what only a browser needs to be told.

What nobody can guess comes first; the rest is folded away until it is wanted, holds an error, or was filled
in by the endpoint's list. A field that a model type does not have is not there for it. Label, help, unit and
rules of a field are in `app/registry/form/openai_like.py`. A test checks that each has a row here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.registry.form.openai_like import OpenAILikeForm


@dataclass(frozen=True, slots=True)
class Hint:
    """One field: `also` is said after its help, `wide` takes the whole row, `mono` is for ids and URLs.

    `types` are the model types that have it; empty where all do.
    """

    name: str
    also: str = ""
    placeholder: str = ""
    wide: bool = False
    mono: bool = False
    inputmode: str = ""
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form, folded away at first where it is optional."""

    name: str
    label: str
    note: str
    hints: tuple[Hint, ...]
    folded: bool = True


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section as it stands on a page: the fields that are there, those that hold something, open or not."""

    section: Section
    there: frozenset[str]
    filled: int
    is_open: bool


_TEXT: tuple[str, ...] = ("chat", "completion")
_PRICED: tuple[str, ...] = ("chat", "completion", "realtime")
_ANSWERS: tuple[str, ...] = (*_PRICED, "image", "stt", "tts")

_CONNECTION = Section(
    "connection",
    "Endpoint and model",
    "Where the model is served. The probe starts here.",
    (
        Hint("base_url", "Muster corrects nothing silently; if another URL works, it suggests that one.",
             "https://llm.example.com/v1", wide=True, mono=True, inputmode="url"),
        Hint("api_key", "Stored encrypted, sent only to this endpoint, never shown.", mono=True),
        Hint("model_id", "Case-sensitive.", "meta-llama/Llama-3.1-8B-Instruct", mono=True),
    ),
    folded=False,
)  # fmt: skip

_GENERAL = Section(
    "general",
    "What it is",
    "Name and type follow from the model id where you say nothing else.",
    (
        Hint("display_name", "Empty: the last part of the model id.", "as in the model id"),
        Hint("model_type"),
        Hint("region", placeholder="on-prem"),
    ),
    folded=False,
)

LABELS = "labels"
_LABELS = Section(
    LABELS,
    "Owner, tags and description",
    "Whose it is. Lists are filtered by these, and messages about the model name its owner.",
    (Hint("description", wide=True), Hint("benchmark_model", mono=True)),
)

_PRICING = Section(
    "pricing",
    "Prices",
    "In US dollars. Vendors state prices per 1,000 or per 1,000,000 tokens: these are per 1,000,000. "
    "Empty means not known, 0 means free.",
    (
        Hint("input_cost", inputmode="decimal"),
        Hint("output_cost", inputmode="decimal", types=_ANSWERS),
        Hint("cache_read_cost", inputmode="decimal", types=_PRICED),
        Hint("cache_write_cost", inputmode="decimal", types=_PRICED),
        Hint("cost_per_image", inputmode="decimal", types=("image",)),
    ),
)

_CAPABILITIES = Section(
    "capabilities",
    "Declared capabilities",
    "What you declare is kept as declared, and the probe checks it. Where you declare nothing, the model "
    "gets what the probe sees.",
    (
        Hint("supports_tool_calling", types=("chat",)),
        Hint("supports_strict_tool", types=("chat",)),
        Hint("supports_vision", types=("chat",)),
        Hint("has_reasoning", types=("chat",)),
        Hint("supports_image_edit", types=("image",)),
    ),
)

_LIMITS = Section(
    "limits",
    "Limits and the id that is sent",
    "What a request gets where it says nothing itself.",
    (
        Hint("max_tokens", "Empty: the endpoint's limit.", inputmode="numeric", types=_TEXT),
        Hint("temperature", "Empty: the endpoint's default.", inputmode="decimal", types=_TEXT),
        Hint("configuration_model_id", mono=True),
    ),
)

SECTIONS: tuple[Section, ...] = (_CONNECTION, _GENERAL, _LABELS, _PRICING, _CAPABILITIES, _LIMITS)
_UNSAID = "chat"


def shown(form: OpenAILikeForm, opened: Collection[str]) -> list[ShownSection]:
    """Each section as it stands for what the form holds; one with a field among `opened` is open.

    A field of another type is there all the same where it holds something: nothing that was sent gets lost.
    """
    return [_shown(section, form, opened) for section in SECTIONS]


def _shown(section: Section, form: OpenAILikeForm, opened: Collection[str]) -> ShownSection:
    kind = form.model_type.data or _UNSAID
    filled = {hint.name for hint in section.hints if form[hint.name].data not in (None, "")}
    there = {hint.name for hint in section.hints if not hint.types or kind in hint.types}
    there |= filled | {hint.name for hint in section.hints if hint.name in opened}
    is_open = not section.folded or any(hint.name in opened for hint in section.hints)
    return ShownSection(section, frozenset(there), len(filled), is_open)
