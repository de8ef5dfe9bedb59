"""What an import is going to do, entry by entry, before anything is contacted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flask import Flask

from app.access.actors import Actor
from app.probe.transport.deadline import Cancellation
from app.registry import registration
from app.registry.endpoints import twins
from app.registry.exchange.litellm import imported as litellm_import
from app.registry.exchange.litellm.imported import Entry
from app.registry.exchange.litellm.served_at import UNSUPPORTED
from app.registry.form.json_body import Problem
from app.registry.form.openai_like import OpenAILikeForm
from app.registry.many import Ended, ended, side_by_side


def register_each(app: Flask, steps: Sequence[Step], actor: Actor, workers: int) -> Iterator[Ended]:
    """Register every step that is to be created, as each gets ready; closing it ends the probes."""

    def work(step: Step, cancelled: Cancellation) -> Ended:
        return ended(step.name, lambda: registration.register(step.values, actor, cancelled=cancelled))

    return side_by_side(app, [step for step in steps if step.action == "create"], work, workers)


JSON = Any
Action = Literal["create", "exists", "refuse", "skip"]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: `create` would be probed and then registered; the others would not, and `problems` say why.

    `values` are what registration takes, the key too; `existing` is the id of the model that is the same.
    """

    index: int
    name: str
    action: Action
    problems: tuple[Problem, ...] = ()
    entry: Entry | None = field(default=None, repr=False)
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    existing: str | None = None
    is_same: bool = False
    """Whether what is registered already says all that this entry says."""

    @property
    def why(self) -> str:
        """The problems in words."""
        return " ".join(problem.message for problem in self.problems)

    def outline(self) -> dict[str, JSON]:
        """The step as JSON, without the key; `request` is the body that would register it."""
        # What is refused may hold what JSON has no word for, such as NaN.
        body = self.entry.body if self.entry and self.action != "refuse" else {}
        return {
            "index": self.index,
            "model_name": self.name,
            "action": self.action,
            "existing": self.existing,
            "problems": [problem.as_detail() for problem in self.problems],
            "ignored": list(self.entry.ignored) if self.entry else [],
            "request": {name: value for name, value in body.items() if name != "api_key"} or None,
        }


def plan(definitions: Sequence[JSON], region: str = litellm_import.REGION) -> list[Step]:
    """What an import of these definitions does, in their order; `region` is for those that name none."""
    steps: list[Step] = []
    seen: dict[tuple[Any, ...], int] = {}
    for index, definition in enumerate(definitions):
        step = _step(index, definition, region)
        if step.action == "create":
            first = seen.setdefault(twins.identity_of(step.values), index)
            step = _checked(step) if first == index else _twin(step, steps[first])
        steps.append(step)
    return steps


def _step(index: int, definition: JSON, region: str) -> Step:
    name = litellm_import.name_of(definition)
    entry, problems = litellm_import.read(definition, region)
    if entry is None:
        skipped = problems[0].code == UNSUPPORTED
        return Step(index, name, "skip" if skipped else "refuse", tuple(problems))
    form = OpenAILikeForm.from_json(entry.body)
    if not form.validate():
        return Step(
            index, name, "refuse", tuple(_placed(problem, entry) for problem in form.problems()), entry
        )
    return Step(index, name, "create", (), entry, form.values())


def _placed(problem: Problem, entry: Entry) -> Problem:
    """A problem of the form, told of the place in the definition that the value came from."""
    called = problem.field or ""
    place = entry.places.get(called, called)
    return Problem(place or None, problem.code, problem.message.replace(f"`{called}`", f"`{place}`"))


def _checked(step: Step) -> Step:
    same = twins.same_as(step.values)
    if same is None:
        return step
    message = f"It is registered already: “{same.display_name}”, id {same.id}."
    if _sent(step.values) != same.wire_model_id:
        message += f" {_APART} To have both, give this one a model_name of its own."
    problem = Problem("model_name", "already_exists", message)
    said = {name: value for name, value in step.values.items() if name != "api_key" and value is not None}
    is_same = all(getattr(same, name) == value for name, value in said.items())
    return replace(step, action="exists", problems=(problem,), existing=same.id, is_same=is_same)


_APART = (
    "What is sent as `model` differs, but models are told apart by model_id, base_url and model_type here."
)


def _twin(step: Step, first: Step) -> Step:
    message = f"It is the same model at the same endpoint as entry {first.index + 1}."
    if _sent(step.values) != _sent(first.values):
        message = f"It has the model_name, address and type of entry {first.index + 1}. {_APART}"
        message += " Give one of them a model_name of its own."
    return replace(step, action="refuse", problems=(Problem("model_name", "already_exists", message),))


def _sent(values: dict[str, Any]) -> str:
    """The id that goes to the endpoint."""
    return str(values.get("remote_model_id") or values["model_id"])
