"""Several models of one endpoint get in: probed side by side, each judged for itself, saved together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import Report, Target
from app.registry import credentials, saving
from app.registry.endpoints import twins
from app.registry.many import all_judged, as_ended, judged
from app.registry.probing import ProbeOrder, Registered, Values
from app.registry.saving import all_saved
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel

JSON = Any


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one model: `model` is its row's id, `report` its probe, `error` why it is not in."""

    model_id: str
    outcome: Literal["registered", "rejected", "exists"]
    model: str | None = None
    error: dict[str, JSON] | None = None
    report: dict[str, JSON] | None = None


def add(
    target: Target, key: str, models: Sequence[Values], order: ProbeOrder, name: str = ""
) -> tuple[Endpoint | None, list[Result]]:
    """Register these models at an endpoint, which is made where there is none like it.

    `key` is as it was typed. Gives the endpoint, None where no model got in, and a result each, in order.
    """
    values = [dict(each) | {"api_key": key, "base_url": target.base_url} for each in models]
    results = [_there_already(each, values[:at]) for at, each in enumerate(values)]
    wanted = [at for at, result in enumerate(results) if result is None]
    reports = all_judged([(values[at], target_of(target, values[at])) for at in wanted], order)
    accepted = [at for at, report in zip(wanted, reports, strict=True) if report.verdict == "accepted"]
    seen = dict(zip(wanted, reports, strict=True))
    for at in wanted:
        if at not in accepted:
            results[at] = _rejected(values[at], seen[at], order)
    for at, result in _saved([(at, values[at], seen[at]) for at in accepted], target, order, name):
        results[at] = result
    made = [result for result in results if result is not None]
    return _home_of(made), made


def _home_of(results: Sequence[Result]) -> Endpoint | None:
    """Where the models are served that got in; where none did, those that were there already.

    Told by the models alone: whether key and headers are those of some endpoint is nobody's to guess.
    """
    ids = [
        result.model for wanted in ("registered", "exists") for result in results if result.outcome == wanted
    ]
    model = RegisteredModel.by_id(ids[0]) if ids and ids[0] else None
    return model.endpoint if model is not None else None


def adding(
    target: Target,
    key: str,
    models: Sequence[Values],
    order: ProbeOrder,
    name: str = "",
    stops: Sequence[Cancellation] = (),
) -> Iterator[tuple[int, Result]]:
    """The same for somebody who watches: each is saved as soon as it is judged.

    Gives each one's place in `models` and its result, in the order in which they end. Once `order.cancelled`
    is set none begins any more, and what got in before stays; `stops` may hold one for each model alone.
    """
    alone = stops or [Cancellation(order.cancelled) for _ in models]
    lists = SharedLists()
    values = [dict(each) | {"api_key": key, "base_url": target.base_url} for each in models]
    there = [_there_already(each, values[:at]) for at, each in enumerate(values)]
    yield from ((at, result) for at, result in enumerate(there) if result is not None)
    yield from as_ended(
        (at for at, result in enumerate(there) if result is None),
        lambda at: _settled(values[at], target, replace(order, cancelled=alone[at], lists=lists), name),
    )


def _settled(values: Values, target: Target, order: ProbeOrder, name: str) -> Result:
    stop = order.cancelled or Cancellation()
    if stop.is_set():
        return Result(values["model_id"], "rejected", error=_error("cancelled", "Not begun.", None))
    report = judged(values, target_of(target, values), order)
    if stop.is_set():
        return Result(values["model_id"], "rejected", error=_error("cancelled", "Cancelled.", None))
    if report.verdict == "rejected":
        return _rejected(values, report, order)
    ((_, result),) = _saved([(0, values, report)], target, order, name)
    return result


def target_of(target: Target, values: Values) -> Target:
    """The target of one of an endpoint's models."""
    return replace(target, model_id=values.get("remote_model_id") or values["model_id"])


def stored_target(endpoint: Endpoint, order: ProbeOrder) -> tuple[Target, str]:
    """The target of an endpoint with its stored key, and that key as it was typed. Commits."""
    target = credentials.target_for(order.actor, "register", endpoint.base_url, endpoint=endpoint)
    return target, credentials.typed_form(endpoint, target)


def _there_already(values: Values, before: Sequence[Values]) -> Result | None:
    same = twins.same_as(values)
    if same is not None:
        return Result(values["model_id"], "exists", same.id)
    alike = ("model_id", "model_type")
    if any(all(other[name] == values[name] for name in alike) for other in before):
        message = f"{values['model_id']} stands twice among them with the same model_type."
        return Result(values["model_id"], "rejected", error=_error("already_exists", message, "model_id"))
    return None


def _rejected(values: Values, report: Report, order: ProbeOrder) -> Result:
    end = saving.rejected(values, report, order)
    return Result(values["model_id"], "rejected", error=end.diagnosis, report=end.report)


def _saved(
    ready: Sequence[tuple[int, Values, Report]], target: Target, order: ProbeOrder, name: str
) -> list[tuple[int, Result]]:
    """Save them in one transaction; where others were faster with one, without that one."""
    while ready:
        try:
            ends = all_saved(
                [values for _, values, _ in ready],
                [target_of(target, values) for _, values, _ in ready],
                [report for _, _, report in ready],
                order,
                name,
            )
        except ApiError:
            late = [(at, _there_already(values, ())) for at, values, _ in ready]
            there = [(at, result) for at, result in late if result is not None]
            if not there:
                raise
            gone = {at for at, _ in there}
            return there + _saved([one for one in ready if one[0] not in gone], target, order, name)
        return [
            (at, Result(values["model_id"], "registered", end.model_id, report=end.report))
            for (at, values, _), end in zip(ready, ends, strict=True)
            if isinstance(end, Registered)
        ]
    return []


def _error(code: str, message: str, field: str | None) -> dict[str, JSON]:
    return {"code": code, "field": field, "message": message, "suggestions": {}}
