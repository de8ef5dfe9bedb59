"""What the catalogue tells of a model: its row, prices, limits and what a probe has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.registry.document import document, ref_id
from app.registry.metadata import FIELDS
from app.store.base import now
from app.store.models import RegisteredModel
from app.watch.chores import DAY, seconds_by_model
from app.web.pages import display
from app.web.pages.models import listing
from app.web.pages.watch import health
from app.web.pages.watch.health import Shown

V = TypeVar("V")

PRICES = {
    "input_cost": ("Input", "per 1,000,000 tokens"),
    "output_cost": ("Output", "per 1,000,000 tokens"),
    "cache_read_cost": ("Input from the cache", "per 1,000,000 tokens"),
    "cache_write_cost": ("Input into the cache", "per 1,000,000 tokens"),
    "cost_per_image": ("Image", "each"),
}
LIMITS = (
    "context_window",
    "max_input_tokens",
    "max_output_tokens",
    "embedding_dimensions",
    "max_temperature",
)
_FIELDS = {row.name: row for row in FIELDS}


@dataclass(frozen=True, slots=True)
class Row:
    """A model as the catalogue shows it; `window` is in tokens, `uptime` is of 24 hours and a share of 1.

    Either is None where nobody knows.
    """

    model: RegisteredModel
    ref_id: str
    type_label: str
    window: int | None
    input: str
    output: str
    chips: Sequence[listing.Chip]
    health: Shown
    uptime: float | None


def rows_of(models: Sequence[RegisteredModel]) -> list[Row]:
    """Their rows: only what a probe has seen counts as a capability."""
    moment = now()
    known = health.shown(models, moment)
    seconds = seconds_by_model(moment - DAY, moment, *known) if models else {}
    return [
        Row(
            model,
            ref_id(model.model_id),
            display.type_label(model.model_type),
            listing.window_of(model),
            listing.input_of(model),
            display.money(model.output_cost),
            [chip for chip in listing.chips_of(model.capabilities or {}) if not chip.contradicted],
            known[model.id],
            seconds[model.id].uptime if model.id in seconds else None,
        )
        for model in models
    ]


def side_by_side(told: Sequence[Sequence[tuple[str, V]]]) -> list[tuple[str, list[V | None]]]:
    """Each label that any of the models has, with the value of each model, None where it has none."""
    labels = dict.fromkeys(label for of_one in told for label, _ in of_one)
    return [(label, [dict(of_one).get(label) for of_one in told]) for label in labels]


def limits_of(model: RegisteredModel) -> list[tuple[str, str, str]]:
    """Label, number and unit of each bound that is known."""
    metadata = document(model)["metadata"]
    known = (_FIELDS[name] for name in LIMITS if metadata.get(name) is not None)
    return [(field.label, display.as_text(metadata[field.name]), field.unit) for field in known]


def bounds_of(model: RegisteredModel) -> list[tuple[str, str]]:
    """The same with the unit beside the number."""
    return [(label, f"{number} {unit}".strip()) for label, number, unit in limits_of(model)]


def capabilities_of(model: RegisteredModel) -> list[tuple[str, bool]]:
    """Label of each capability that a probe could tell, and whether it saw it."""
    told = (model.capabilities or {}).items()
    return [(display.label_of(name), seen["observed"]) for name, seen in told if seen["observed"] is not None]


def prices_of(model: RegisteredModel) -> list[tuple[str, str, str]]:
    """Label, amount and unit of each price that is known."""
    named = ((getattr(model, name), words_) for name, words_ in PRICES.items())
    return [(label, display.money(cost), unit) for cost, (label, unit) in named if cost is not None]
