"""Looks on the watcher's behalf: nothing in here changes the health of a model, the watcher judges that."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from app.access.actors import SYSTEM, Actor
from app.config import settings
from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.sampling import take
from app.probe.presence import Presence, look_at_catalog
from app.probe.transport.deadline import Cancellation
from app.probe.values import Report, Sample, Sampling, Validity
from app.registry import registration, saving
from app.registry.endpoints.key_life import life_of
from app.registry.probing import ProbeOrder, egress_rules, probed, returned
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe

log = logging.getLogger("muster.watch")
TRIGGER = "watch"
"""The trigger of probes that the watcher made."""

_SAMPLING_S = 600.0
"""For all calls of one comparison."""
_REPORTS_KEPT, _LOOKED_THROUGH = 20, 10


def prove(
    model: RegisteredModel, cancelled: Cancellation | None = None, sampling: Sampling | None = None
) -> tuple[Report, Validity | None]:
    """Prove a model with its stored key and keep nothing of it; `sampling` says what to ask.

    Gives the report, and how long the key holds where it says so itself.
    """
    values = saving.columns_of(model)
    order = ProbeOrder(SYSTEM, depth="proof", cancelled=cancelled, waits=False, sampling=sampling)
    target = registration.stored_target(model, SYSTEM, "health_check")
    return returned(probed(values, target, order, key_control=False)), life_of(target.api_key)


def sampled(model: RegisteredModel, asked: Sequence[Sampling], actor: Actor) -> Iterator[Sample | None]:
    """Ask a model these with its stored key, one after the other; what comes is made on the caller's thread.

    The key is read at once; no connection to the database is held afterwards.
    """
    target = registration.stored_target(model, actor, "probe")
    model_type, limits, rules = MODEL_TYPES[model.model_type], settings().limits, egress_rules()
    db.session.rollback()
    return take(target, model_type, asked, replace(limits, probe_s=_SAMPLING_S, wait_s=0.0), rules)


def probe_wholly(model: RegisteredModel, cancelled: Cancellation | None = None) -> Report:
    """Probe a model with its stored key, and keep the report and what it observed, but not its health."""
    return returned(registration.watched(model.id, TRIGGER, ProbeOrder(SYSTEM, cancelled=cancelled)))


def last_whole_report(model: RegisteredModel) -> Mapping[str, Any] | None:
    """The newest report of a whole probe that accepted the model, None where there is none.

    What a person's probe of the same endpoint saw counts for the person: nobody else was told of it.
    """
    query = select(Probe).where(Probe.model_pk == model.id, Probe.trigger != "manual")
    for kept in db.session.scalars(query.order_by(Probe.id.desc()).limit(_LOOKED_THROUGH)):
        asked = (row.get("observed") for row in (kept.report.get("capabilities") or {}).values())
        if kept.verdict == "accepted" and (
            any(seen is not None for seen in asked) or kept.trigger == TRIGGER
        ):
            return dict(kept.report)
    return None


def note_changed(model: RegisteredModel) -> None:
    """Have the newest report of a model kept for good: it saw a change. In the transaction at hand."""
    db.session.execute(update(Probe).where(Probe.id == model.last_probe_id).values(changed=True))


def forget_old_reports(model: RegisteredModel) -> None:
    """Of the reports that the watcher made, keep the last twenty and those that saw a change."""
    mine = select(Probe.id).where(Probe.model_pk == model.id, Probe.trigger == TRIGGER)
    old = db.session.scalars(mine.order_by(Probe.id.desc()).offset(_REPORTS_KEPT)).all()
    if old:
        db.session.execute(delete(Probe).where(Probe.id.in_(old), Probe.changed.is_(False)))


def read_catalog(model: RegisteredModel) -> Presence:
    """Ask the endpoint of a model for its list of models, with the stored key."""
    target = registration.stored_target(model, SYSTEM, "health_check")
    db.session.rollback()  # no connection is held while an endpoint is asked
    presence = look_at_catalog(target, settings().limits, egress_rules())
    host = urlsplit(target.base_url).hostname
    facts = {"host": host, "model": target.model_id, "code": presence.code}
    log.info("catalog", extra={"facts": facts | {"duration_ms": presence.duration_ms}})
    return presence
