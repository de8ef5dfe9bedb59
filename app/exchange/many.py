"""Many probes side by side, each entry for itself; what happened to one changes nothing for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Flask

from app import registration
from app.access import Actor
from app.errors import ApiError
from app.exchange.plan import Step
from app.models import RegisteredModel
from app.probe import Cancellation
from app.registration import Probed, Registered, Rejected, Terminal, Updated

T = TypeVar("T")
WORKERS = 4
MOST_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one: `done`, or `refused` with the code and the words of why. `id` is the model's."""

    state: Literal["done", "refused"]
    name: str
    id: str = ""
    code: str = ""
    message: str = ""


def register_each(app: Flask, steps: Sequence[Step], actor: Actor, workers: int) -> Iterator[Outcome]:
    """Register every step that is to be created, as each gets ready; closing it ends the probes."""

    def work(step: Step, cancelled: Cancellation) -> Outcome:
        return _ended(step.name, lambda: registration.register(step.values, actor, cancelled=cancelled))

    return _side_by_side(app, [step for step in steps if step.action == "create"], work, workers)


def reprobe_each(app: Flask, ids: Sequence[str], actor: Actor, workers: int) -> Iterator[Outcome]:
    """Probe registered models with their stored keys, as each gets ready; one that is gone is left out."""

    def work(id: str, cancelled: Cancellation) -> Outcome:
        model = RegisteredModel.by_id(id)
        if model is None:
            return Outcome("refused", id, id, "not_found", "It was deleted meanwhile.")
        return _ended(
            model.display_name, lambda: registration.reprobe(model, actor, cancelled=cancelled), model.id
        )

    return _side_by_side(app, ids, work, workers)


def _side_by_side(
    app: Flask, items: Sequence[T], work: Callable[[T, Cancellation], Outcome], workers: int
) -> Iterator[Outcome]:
    """Each item in a thread with an application context, and so a database session, of its own."""
    cancelled = Cancellation()

    def within(item: T) -> Outcome:
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
    assert end.report is not None, "whoever registers or probes has a report"
    diagnosis: dict[str, Any] = end.report["diagnosis"]
    return diagnosis


def _ended(name: str, start: Callable[[], Any], id: str = "") -> Outcome:
    try:
        end: Terminal = registration.drain(start())
    except ApiError as error:
        return Outcome("refused", name, id, error.code, error.message)
    if isinstance(end, Registered):
        return Outcome("done", name, end.model_id)
    if isinstance(end, Probed) and end.report["verdict"] == "accepted":
        return Outcome("done", name, id)
    diagnosis = end.diagnosis if isinstance(end, Rejected) else _diagnosis_of(end)
    return Outcome("refused", name, id, diagnosis["code"], diagnosis["message"])
