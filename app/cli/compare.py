"""`muster compare`: whether two registered models are the same one."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from app.access.actors import COMMAND_LINE
from app.cli.application import opened_app
from app.cli.output import done, json_option, show_json, wants_json
from app.errors import ApiError
from app.operator_error import OperatorError
from app.probe.console.printing import put
from app.watch.identity import side_by_side


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--dry-run", is_flag=True, help="Tell the price and ask nothing.")
@click.option("--yes", is_flag=True, help="Don't ask whether the price is right.")
@json_option
def compare(first: str, second: str, dry_run: bool, yes: bool) -> None:
    """Sample two registered models (ids or refIds) side by side: same, different, or not told."""
    with opened_app():
        try:
            models = side_by_side.model_named(first, "first"), side_by_side.model_named(second, "second")
            price = side_by_side.price_of(*models)
        except ApiError as error:
            raise OperatorError(error.message) from error
        if dry_run and wants_json():
            show_json(asdict(price))
            return
        put(_price_in_words(price), file=sys.stderr if wants_json() else None)
        if dry_run or not (yes or click.confirm("Ask them?", default=True, err=wants_json())):
            return
        found = side_by_side.compare_models(*models, COMMAND_LINE)
        numbers = f"{found.samples} answers of each, {found.distance_in_words}, p = {found.p:.3g}"
        done(f"{found.answer}: {found.summary}\n{numbers}", **asdict(found))


def _price_in_words(price: side_by_side.Price) -> str:
    money = "its price is unknown" if price.money is None else f"{price.money:.4f} USD"
    return f"This takes up to {price.calls} calls and {price.tokens} tokens: {money}."
