"""What costs more than a probe: checks repeated many times, a text as long as the context window.

Each is a page of its own, which tells the price before anything is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.wrappers import Response

from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.chat.context import text_length
from app.probe.model_types.chat.repeating import Price, price_of
from app.probe.reliability import FEWEST, MOST, Repeat
from app.probe.values import CheckEnded, Depth
from app.registry import registration
from app.registry.visible import as_seen
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.web.guards import current_actor, require_role
from app.web.pages import display, live

blueprint = Blueprint("costly", __name__)

TIMES = 10
FIRST = ("tool_calling",)
"""The check that is chosen until a person chooses others."""
ERRORS = {
    "no_call": "no call",
    "wrong_name": "a function that does not exist",
    "arguments_not_json": "arguments that are no JSON",
    "arguments_against_schema": "arguments against the schema",
    "cut_off": "cut off by the token limit",
    "refused_by_limits": "refused by a limit",
    "other": "another error",
}
"""The kinds of error as words."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A check that can be repeated, and what TIMES runs of it cost at most."""

    name: str
    label: str
    tokens: int
    cost: str
    chosen: bool


@blueprint.get("/<id>/repeat")
@require_role("editor")
def ask_repeat(id: str) -> str:
    """Choose checks and see what they cost."""
    return _repeat_page(_repeatable(id), FIRST, str(TIMES))


@blueprint.post("/<id>/repeat")
@require_role("editor")
def repeat(id: str) -> Response | str | tuple[str, int]:
    """Run the chosen checks many times with the stored key, and keep what came of it."""
    model = _repeatable(id)
    names, times = request.form.getlist("check"), request.form.get("times", "").strip()
    problem = _problem(model, names, times)
    if problem:
        return _repeat_page(model, names, times, problem), 400
    return live.answer(_repeating(model, Repeat(int(times), tuple(dict.fromkeys(names)))))


@blueprint.get("/<id>/deep")
@require_role("editor")
def ask_deep(id: str) -> str:
    """See what a deep probe costs."""
    return _deep_page(_repeatable(id))


@blueprint.post("/<id>/deep")
@require_role("editor")
def deep(id: str) -> Response | str | tuple[str, int]:
    """Probe with a text as long as the context window, once a person has said yes to its price."""
    model = _repeatable(id)
    if request.form.get("agreed") != "yes":
        return _deep_page(model, "Tick the box first: a deep probe costs as much as its text."), 400
    return live.answer(probing(model, "deep"))


def cost_words(model: RegisteredModel, price: Price) -> str:
    """The price of some tokens in US dollars at the model's own prices; "" where a price is not known."""
    if model.input_cost is None or (price.answer and model.output_cost is None):
        return ""
    cost = (price.prompt * model.input_cost + price.answer * (model.output_cost or 0)) / 1_000_000
    return display.money(round(cost, 6))


def price_of_next(model: RegisteredModel) -> str:
    """What a whole probe of a model is about to cost; "" where none was made yet."""
    last = Probe.by_id(model.last_probe_id) if model.last_probe_id else None
    return price_of_last(model, last.report) if last else ""


def price_of_last(model: RegisteredModel, report: Mapping[str, Any]) -> str:
    """What a whole probe is about to cost, by what the last one used; "" where the last was no whole one."""
    asked = (row.get("observed") for row in (report.get("capabilities") or {}).values())
    usage = report.get("usage") or {}
    used = Price(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
    if not used.tokens or all(seen is None for seen in asked):
        return ""
    cost = cost_words(model, used)
    return f"about {used.tokens:,} tokens" + (f", {cost}" if cost else "")


def error_words(errors: dict[str, int]) -> str:
    """The kinds of error with their counts, the most frequent first."""
    counted = sorted(errors.items(), key=lambda one: -one[1])
    return ", ".join(f"{count} × {ERRORS.get(kind, kind)}" for kind, count in counted)


def _problem(model: RegisteredModel, names: Sequence[str], times: str) -> str:
    if not names or not set(names) <= set(MODEL_TYPES[model.model_type].repeatable):
        return "Choose at least one check."
    if not re.fullmatch(r"[0-9]{1,3}", times) or not FEWEST <= int(times) <= MOST:
        return f"How often: a whole number from {FEWEST} to {MOST}."
    return ""


def _repeating(model: RegisteredModel, wanted: Repeat) -> Iterator[live.Line]:
    """A line for each run: how many are done, and how many of them passed."""
    ended: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for event in _events(model, repeat=wanted):
        if isinstance(event, CheckEnded) and event.check.name in wanted.checks:
            name = event.check.name
            ended[name] += 1
            passed[name] += event.check.status == "passed"
            yield _progress(name, ended[name], passed[name], wanted.times)
        elif (line := live.line_of(event)) is not None:
            yield line
    yield {"event": "end", "location": url_for("models.checks", id=model.id, done="repeated")}


def _progress(name: str, ended: int, passed: int, times: int) -> live.Line:
    status = "running" if ended < times else "passed" if passed == times else "failed"
    return live.row(name, display.label_of(name), status, note=f"{passed} of {ended} passed, {times} in all")


def probing(model: RegisteredModel, depth: Depth = "full") -> Iterator[live.Line]:
    """Every event of a probe with the stored key as a line; the last leads back to the model."""
    for event in _events(model, depth=depth):
        line = live.line_of(event)
        if line is not None:
            yield line
    yield {"event": "end", "location": url_for("models.checks", id=model.id, done="probed")}


def _events(model: RegisteredModel, **how: Any) -> Iterator[Any]:
    with live.watching() as left:
        yield from registration.reprobe(model, current_actor(), cancelled=left, **how)


def _repeat_page(model: RegisteredModel, names: Sequence[str], times: str, problem: str = "") -> str:
    thinks = _was_seen(model, "reasoning")
    offers = [
        _offer(model, name, name in names, price_of(name, thinks=thinks))
        for name in MODEL_TYPES[model.model_type].repeatable
    ]
    (shown,) = as_seen([model], whole_url=True)
    return render_template(
        "models/repeat.html", model=shown, offers=offers, times=times, usual=TIMES, fewest=FEWEST, most=MOST,
        problem=problem,
    )  # fmt: skip


def _offer(model: RegisteredModel, name: str, chosen: bool, once: Price) -> Offer:
    whole = Price(once.prompt * TIMES, once.answer * TIMES)
    return Offer(name, display.label_of(name), whole.tokens, cost_words(model, whole), chosen)


def _deep_page(model: RegisteredModel, problem: str = "") -> str:
    window = (model.observed or {}).get("context_window")
    tokens = text_length(window) if isinstance(window, int) and window > 0 else 0
    (shown,) = as_seen([model], whole_url=True)
    return render_template(
        "models/deep.html", model=shown, window=window, tokens=tokens, problem=problem,
        cost=cost_words(model, Price(tokens, 0)),
    )  # fmt: skip


def _was_seen(model: RegisteredModel, name: str) -> bool:
    return ((model.capabilities or {}).get(name) or {}).get("observed") is True


def _repeatable(id: str) -> RegisteredModel:
    """The model with this id, of a type that has checks to repeat; 404."""
    model = RegisteredModel.by_id(id)
    kind = MODEL_TYPES.get(model.model_type) if model else None
    if model is None or kind is None or not kind.repeatable:
        abort(404)
    return model
