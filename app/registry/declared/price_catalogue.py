"""What the package genai-prices says of a model of a known vendor: offered, never stored by itself.

Its data come with the package; nothing is ever fetched. The vendor is told by the address of the API, since
the same model costs something else elsewhere. Prices are USD per 1,000,000 tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from genai_prices.data import providers
from genai_prices.types import TieredPrices

from app.store.models import RegisteredModel

_PRICES = {
    "input_cost": "input_mtok",
    "output_cost": "output_mtok",
    "cache_read_cost": "cache_read_mtok",
    "cache_write_cost": "cache_write_mtok",
}


@dataclass(frozen=True, slots=True)
class CataloguePrice:
    """What is known of a model: `values` by the names of the form's fields."""

    values: Mapping[str, float] = field(default_factory=dict)
    context_window: int | None = None
    is_deprecated: bool = False


def source() -> str:
    """Where it comes from: name and version."""
    return f"genai-prices {version('genai-prices')}"


@lru_cache(maxsize=4096)
def looked_up(base_url: str, model_id: str) -> CataloguePrice | None:
    """What the catalogue says of a model at this base URL; None where it does not know the two."""
    for provider in providers:
        if re.match(provider.api_pattern, base_url):
            found = provider.find_model(model_id, all_providers=providers)
            if found is not None:
                values = dict(_values(found.get_prices(datetime.now(UTC))))
                return CataloguePrice(values, found.context_window, bool(found.deprecated))
    return None


@dataclass(frozen=True, slots=True)
class ListedPrices:
    """Prices as they would stand in the form's fields, by their names, and where they come from."""

    values: Mapping[str, str]
    source: str


def listed_prices(base_url: str, model_id: str, empty: Collection[str]) -> ListedPrices | None:
    """What is known of the fields that are `empty`; None where that is nothing."""
    known = looked_up(base_url, model_id) if base_url and model_id else None
    prices = known.values if known else {}
    values = {name: format(price, ".10g") for name, price in prices.items() if name in empty}
    return ListedPrices(values, source()) if values else None


def remarks(model: RegisteredModel) -> list[str]:
    """Sentences about where a stored price differs from the catalogue, and about a deprecated model."""
    known = looked_up(model.base_url, model.wire_model_id)
    if known is None:
        return []
    said = [
        f"{_LABELS[name]}: stored ${getattr(model, name):g}, {source()} says ${value:g}."
        for name, value in known.values.items()
        if getattr(model, name) is not None and abs(getattr(model, name) - value) > 1e-9
    ]
    if known.is_deprecated:
        said.append(f"{source()} calls this model deprecated.")
    return said


_LABELS = {
    "input_cost": "Input price per million tokens",
    "output_cost": "Output price per million tokens",
    "cache_read_cost": "Price of cached input per million tokens",
    "cache_write_cost": "Price of caching per million tokens",
}


def _values(prices: Any) -> Mapping[str, float]:
    found = {name: getattr(prices, column, None) for name, column in _PRICES.items()}
    bases = {name: price.base if isinstance(price, TieredPrices) else price for name, price in found.items()}
    return {name: float(price) for name, price in bases.items() if price is not None}
