"""Many probes side by side, each entry for itself; what happened to one changes nothing for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from flask import Flask, current_app

from app.access.actors import Actor
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import Depth, Report, Target
from app.registry import registration, saving
from app.registry.endpoints import twins
from app.registry.probing import (
    Probed,
    ProbeOrder,
    Registered,
    Rejected,
    Terminal,
    Updated,
    Values,
    probed,
    returned,
)
from app.registry.saving import all_saved, wire_report
from app.store.base import db, new_id
from app.store.models import RegisteredModel

T = TypeVar("T")
_SIDE_BY_SIDE = 8


def register_all(
    many: Sequence[Values], actor: Actor, *, strict: bool = False, depth: Depth = "full"
) -> list[Registered | Rejected]:
    """Probe many side by side, then save all of them in one transaction, or none where one was rejected.

    Gives an end per entry in their order; Registered ends mean rows only where all are Registered. ApiError
    409 where one is there already, or twice among them.
    """
    twins.refuse_twins(many)
    for values in many:
        twins.refuse_same(values)
    order = ProbeOrder(actor, strict, depth)
    targets = [registration.target_of(values, actor, "register") for values in many]
    reports = all_judged(list(zip(many, targets, strict=True)), order)
    if any(report.verdict == "rejected" for report in reports):
        return [_unsaved(values, report, order) for values, report in zip(many, reports, strict=True)]
    return all_saved(many, targets, reports, order)


def all_judged(wanted: Sequence[tuple[Values, Target]], order: ProbeOrder) -> list[Report]:
    """Probe each, eight at a time; their reports in the same order."""
    reports = dict(as_judged(wanted, order))
    return [reports[at] for at in range(len(wanted))]


def as_judged(wanted: Sequence[tuple[Values, Target]], order: ProbeOrder) -> Iterator[tuple[int, Report]]:
    """The same for somebody who watches: each one's place and its report, in the order in which they end."""
    together = replace(order, lists=SharedLists())
    return as_ended(range(len(wanted)), lambda at: judged(*wanted[at], together))


def judged(values: Values, target: Target, order: ProbeOrder) -> Report:
    """Probe one of many."""
    # One of its own: a probe sets what it was given when it ends.
    mine = replace(order, cancelled=Cancellation(order.cancelled))
    return returned(probed(values, target, mine, key_control=True))


def as_ended(places: Iterable[int], work: Callable[[int], T]) -> Iterator[tuple[int, T]]:
    """Each place and what its work gives, eight at a time, in the order in which they end.

    Each runs in a thread with an application context, and so a database session, of its own.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def within(at: int) -> T:
        with app.app_context():
            return work(at)

    db.session.rollback()  # no connection is held while endpoints are asked
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "probes") as pool:
        started = {pool.submit(within, at): at for at in places}
        for future in as_completed(started):
            yield started[future], future.result()


def _unsaved(values: Values, report: Report, order: ProbeOrder) -> Registered | Rejected:
    if report.verdict == "rejected":
        return saving.rejected(values, report, order)
    return Registered("", wire_report(report, new_id(), None))


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
    """Probe registered models with their stored keys, as each gets ready; one that is gone is `not_found`."""

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
