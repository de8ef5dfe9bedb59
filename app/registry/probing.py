"""Run a probe on behalf of the registry: with its settings, address rules and memory of key controls."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from app.access.actors import Actor
from app.config import settings
from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.capabilities import CAPABILITIES
from app.probe.controls import WRONG_KEY
from app.probe.model_types import MODEL_TYPES
from app.probe.reliability import Repeat
from app.probe.run import run
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import Depth, Event, Finished, Report, Sampling, Target
from app.registry.metadata import FIELD_BY_NAME
from app.store import vault
from app.store.base import db, now
from app.store.leases import KeyControl

JSON = Any
log = logging.getLogger("muster.probe")
R = TypeVar("R")
Values = Mapping[str, Any]

DECLARED: Mapping[str, str] = {
    row.name: column
    for row in CAPABILITIES
    for field in row.fills
    if (column := FIELD_BY_NAME[field].declared_by)
}
"""Which column declares a capability of the probe."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model got in; `model_id` is the id of its row."""

    model_id: str
    report: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Updated:
    """A model was changed; the report is None where no probe was needed."""

    model_id: str
    report: dict[str, JSON] | None


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe that only looked. `report["model"]` is None where no model was meant, or where it is gone.

    `trial` is the id under which an accepted one is kept for a while, "" where it is not.
    """

    report: dict[str, JSON]
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The probe did not see it work, so nothing was changed.

    `diagnosis` is the report's, with the fields as the request calls them.
    """

    report: dict[str, JSON]
    diagnosis: dict[str, JSON]


Terminal = Registered | Updated | Probed | Rejected
Events = Iterator[Event | Terminal]


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """Who asked for a probe, and how."""

    actor: Actor
    strict: bool = False
    depth: Depth = "full"
    cancelled: Cancellation | None = None
    repeat: Repeat | None = None
    waits: bool = True
    """Whether to wait where an endpoint asks for it. A health check comes again by itself."""
    sampling: Sampling | None = None
    lists: SharedLists | None = None
    """Where many models are probed side by side: each endpoint's list is asked for once."""


def probed(
    values: Values, target: Target, order: ProbeOrder, *, key_control: bool
) -> Generator[Event, None, Report]:
    """Run the probe and hand its events on; gives the report back.

    `values` are a form's. No connection to the database is held while it runs; closing this ends the probe.
    """
    db.session.rollback()
    claim = claim_control(origin_of(target.base_url)) if key_control and target.api_key else None
    report: Report | None = None
    try:
        with closing(_run(values, target, order, key_control=claim is not None)) as events:
            for event in events:
                if isinstance(event, Finished):
                    report = event.report
                else:
                    yield event
    finally:
        if claim and not was_used(report):
            release_control(claim)
    assert report is not None, "a probe ends in exactly one report"
    _log_outcome(report, target, order)
    return report


def _log_outcome(report: Report, target: Target, order: ProbeOrder) -> None:
    """A line for each probe: whom it asked, for whom, and what came of it. Never what was sent or said."""
    facts = {
        "host": urlsplit(target.base_url).hostname,
        "model": target.model_id,
        "depth": order.depth,
        "verdict": report.verdict,
        "code": report.diagnosis.code if report.diagnosis else None,
        "duration_ms": report.duration_ms,
        "actor": order.actor.label,
    }
    log.info("probe", extra={"facts": facts})


def _run(
    values: Values, target: Target, order: ProbeOrder, *, key_control: bool
) -> Generator[Event, None, None]:
    events = run(
        target,
        MODEL_TYPES[values["model_type"]],
        {name: values.get(column) for name, column in DECLARED.items()},
        limits=settings().limits if order.waits else replace(settings().limits, wait_s=0.0),
        rules=egress_rules(),
        depth=order.depth,
        strict=order.strict,
        key_control=key_control,
        cancelled=order.cancelled,
        repeat=order.repeat,
        sampling=order.sampling,
        lists=order.lists,
    )
    yield from events


def returned(events: Generator[Any, None, R]) -> R:
    """What a generator gives back in the end, for callers that do not want its events."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            found: R = end.value
            return found


def egress_rules() -> EgressRules:
    """The address rules as the settings have them, Muster's own address among what is refused."""
    return settings().egress


def key_unusable(error: vault.VaultError) -> ApiError:
    """The answer where a stored key or a reference can't be turned into a key."""
    message = f"The key can't be used: {error} Send another one."
    return ApiError("api_key_unusable", message, field="api_key")


AT_MOST_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to try a wrong key at an origin now."""

    origin: str
    at: datetime


def claim_control(origin: str) -> Claim | None:
    """The right to try, or None where somebody tried within the hour. Commits a transaction of its own."""
    taken = Claim(origin[:300], now())
    old = (KeyControl.origin == taken.origin) & (KeyControl.at < taken.at - AT_MOST_EVERY)
    try:
        with db.engine.begin() as connection:
            if connection.execute(update(KeyControl).where(old).values(at=taken.at)).rowcount == 0:
                connection.execute(insert(KeyControl).values(origin=taken.origin, at=taken.at))
    except IntegrityError:
        return None
    return taken


def release_control(taken: Claim) -> None:
    """Give an unused claim back. Commits a transaction of its own."""
    mine = (KeyControl.origin == taken.origin) & (KeyControl.at == taken.at)
    with db.engine.begin() as connection:
        connection.execute(delete(KeyControl).where(mine))


def was_used(report: Report | None) -> bool:
    """Whether a wrong key was sent. A probe that broke off may have sent one, so that counts as used."""
    if report is None:
        return True
    return any(check.name == WRONG_KEY and check.status != "skipped" for check in report.checks)
