"""List prices for definitions that name none."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.registry.declared.list_prices import with_list_prices
from app.registry.declared.price_catalogue import looked_up
from app.registry.exchange.plan import plan

OPENAI = "https://api.openai.com/v1"


def definition(base: str = OPENAI, model: str = "openai/gpt-4o", **info: Any) -> dict[str, Any]:
    """An entry of a LiteLLM file."""
    params = {"model": model, "api_base": base, "api_key": "sk-x"}
    return {"model_name": "ours", "litellm_params": params, "model_info": info}


def test_absent_prices_come_from_the_catalogue_and_stated_ones_stay(app: Flask) -> None:
    known = looked_up(OPENAI, "gpt-4o")
    assert known is not None
    with app.app_context():
        filled, count = with_list_prices([definition(input_cost_per_token=0.000009)])
        (step,) = plan(filled)
    assert count == 1
    assert step.values["input_cost"] == 9
    assert step.values["output_cost"] == known.values["output_cost"]


@pytest.mark.parametrize(
    "entry",
    [
        definition("https://gateway.example.com/v1"),
        definition(model="openai/no-such"),
        {"model_name": "x"},
        7,
    ],
    ids=["another server", "another model", "no parameters", "no object"],
)
def test_what_the_catalogue_does_not_know_stays_as_it_is(app: Flask, entry: Any) -> None:
    with app.app_context():
        assert with_list_prices([entry]) == ([entry], 0)
