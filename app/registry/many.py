"""Many probes side by side, each entry for itself; what happened to one changes nothing for the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Flask, current_app

from app.access.actors import Actor
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.probe.values import Depth, Report, Target
from app.registry import registration, saving
from app.registry.probing import (
    Probed,
    ProbeOrder,
    Registered,
    Rejected,
    Terminal,
    Updated,
    Values,
    probed,
)
from app.registry.saving import all_saved, wire_report
from app.store.base import db, new_id
from app.store.models import RegisteredModel

_SIDE_BY_SIDE = 8


def register_all(
    many: Sequence[Values], actor: Actor, *, strict: bool = False, depth: Depth = "full"
) -> list[Registered | Rejected]:
    """Probe many side by side, then save all of them in one transaction, or none where one was rejected.

    Gives an end per entry in their order; Registered ends mean rows only where all are Registered. ApiError
    409 where one is there already, or twice among them.
    """
    saving.refuse_twins(many)
    for values in many:
        saving.refuse_same(values)
    asked = ProbeOrder(actor, strict, depth)
    targets = [registration.target_of(values, actor, "register") for values in many]
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def judge(values: Values, target: Target) -> Report:
        with app.app_context():
            return report_of(probed(values, target, asked, key_control=True))

    db.session.rollback()
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "import") as pool:
        reports = list(pool.map(judge, many, targets))
    if any(report.verdict == "rejected" for report in reports):
        return [_unsaved(values, report, asked) for values, report in zip(many, reports, strict=True)]
    return all_saved(many, targets, reports, asked)


def report_of(events: Generator[Any, None, Report]) -> Report:
    """What a probing generator gives back, for callers that do not want its events."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            report: Report = end.value
            return report


def _unsaved(values: Values, report: Report, asked: ProbeOrder) -> Registered | Rejected:
    if report.verdict == "rejected":
        return saving.rejected(values, report, asked)
    return Registered("", wire_report(report, new_id(), None))


T = TypeVar("T")
WORKERS = 4
MOST_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Ended:
    """What happened to one: `done`, or `refused` with the code and the words of why. `id` is the model's."""

    state: Literal["done", "refused"]
    name: str
    id: str = ""
    code: str = ""
    message: str = ""


def reprobe_each(app: Flask, ids: Sequence[str], actor: Actor, workers: int) -> Iterator[Ended]:
    """Probe registered models with their stored keys, as each gets ready; one that is gone is left out."""

    def work(id: str, cancelled: Cancellation) -> Ended:
        model = RegisteredModel.by_id(id)
        if model is None:
            return Ended("refused", id, id, "not_found", "It has been deleted in the meantime.")
        return ended(
            model.display_name, lambda: registration.reprobe(model, actor, cancelled=cancelled), model.id
        )

    return side_by_side(app, ids, work, workers)


def side_by_side(
    app: Flask, items: Sequence[T], work: Callable[[T, Cancellation], Ended], workers: int
) -> Iterator[Ended]:
    """Each item in a thread with an application context, and so a database session, of its own."""
    cancelled = Cancellation()

    def within(item: T) -> Ended:
        with app.app_context():
            # One each: a probe sets what it was given when it ends.
            return work(item, Cancellation(cancelled))

    pool = ThreadPoolExecutor(workers, "exchange")
    started = [pool.submit(within, item) for item in items]
    pool.shutdown(wait=False)  # not at the end, for the reason that app.probe.run has
    try:
        for future in as_completed(started):
            yield future.result()
    finally:
        cancelled.set()
        for future in started:
            future.cancel()
        wait(started)


def _diagnosis_of(end: Probed | Updated) -> dict[str, Any]:
    assert end.report is not None, "who registers or probes has a report"
    diagnosis: dict[str, Any] = end.report["diagnosis"]
    return diagnosis


def ended(name: str, start: Callable[[], Any], id: str = "") -> Ended:
    try:
        end: Terminal = registration.drain(start())
    except ApiError as error:
        return Ended("refused", name, id, error.code, error.message)
    if isinstance(end, Registered):
        return Ended("done", name, end.model_id)
    if isinstance(end, Probed) and end.report["verdict"] == "accepted":
        return Ended("done", name, id)
    diagnosis = end.diagnosis if isinstance(end, Rejected) else _diagnosis_of(end)
    return Ended("refused", name, id, diagnosis["code"], diagnosis["message"])
