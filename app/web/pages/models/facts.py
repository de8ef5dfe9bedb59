"""A model as the detail page shows it: its document by sections, declared beside observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.registry.metadata import FIELDS, SECTIONS, Field
from app.store.models import RegisteredModel
from app.web.pages import display


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of the document; `source` says whether a person declared or the probe observed it."""

    label: str
    text: str
    unit: str = ""
    source: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one section."""

    label: str
    facts: Sequence[Fact]


_TOP: tuple[tuple[str, str, str], ...] = (
    ("id", "Id", "How programs name this model in Muster."),
    ("refId", "Reference", "How consumers name it; several models may share one."),
    ("display_name", "Display name", ""),
    ("description", "Description", ""),
    ("model_id", "Model id", ""),
    ("model_type", "Model type", ""),
    ("provider", "Provider", ""),
    ("owner", "Owner", "The workspace."),
    ("enabled", "Enabled", "Consumers see it."),
    ("is_active", "Active", ""),
    ("enabled_for_playground", "In the playground", ""),
    ("enabled_for_endpoints", "At endpoints", ""),
    ("has_functions", "Functions", "Tool calling, declared or observed."),
    ("has_cpu_pricing", "Priced by CPU", ""),
    ("input_cost", "Input cost", ""),
    ("input_currency", "Input currency", ""),
    ("output_cost", "Output cost", ""),
    ("output_currency", "Output currency", ""),
    ("pricing_url", "Pricing page", ""),
    ("docs_url", "Documentation", ""),
    ("created", "Created", ""),
    ("updated", "Updated", ""),
)
"""The members of the document outside `metadata`, `configuration` and `parameters`."""

_CONFIGURATION = {
    "provider": "Provider",
    "is_openai_compatible": "OpenAI-compatible",
    "base_url": "Base URL",
    "workspace_id": "Workspace",
    "integration_id": "Endpoint",
    "model_id": "Model id that is sent",
    "api_key_env": "Variable of the key",
}
_COST = ("input_cost", "output_cost")


def sections_of(model: RegisteredModel, document: Mapping[str, Any]) -> list[Facts]:
    """Everything that the document says, section by section; parameters stand apart."""
    made = [Facts("Model", list(_top(document))), Facts("Configuration", list(_configuration(document)))]
    for name, label in SECTIONS.items():
        rows = [row for row in FIELDS if row.section == name and row.name in document["metadata"]]
        if rows:
            made.append(Facts(label, [_fact(row, model, document["metadata"][row.name]) for row in rows]))
    return made


def _top(document: Mapping[str, Any]) -> Iterator[Fact]:
    for name, label, help in _TOP:
        unit = "USD per 1,000,000 tokens" if name in _COST and document.get(name) is not None else ""
        value = document.get(name)
        text = display.type_label(str(value)) if name == "model_type" else display.as_text(value)
        yield Fact(label, text, unit, help=help)


def _configuration(document: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in document["configuration"].items():
        yield Fact(_CONFIGURATION.get(name, name), display.as_text(value))


def _fact(row: Field, model: RegisteredModel, value: Any) -> Fact:
    text = _prices(value) if row.name == "pricing" else display.as_text(value)
    return Fact(row.label, text, row.unit, _source(row, model), row.help)


def _prices(pricing: Mapping[str, Mapping[str, Any]]) -> str:
    each = (
        f"{display.label_of(name).lower()} {display.money(price['cost'])} "
        f"per {display.number(price['per'])} {price['unit']}"
        for name, price in pricing.items()
    )
    return "; ".join(each)


def _source(row: Field, model: RegisteredModel) -> str:
    if row.declared_by is not None and getattr(model, row.declared_by) is not None:
        return "declared"
    return "observed" if row.name in (model.observed or {}) else ""
