"""An accepted trial spares the probe of a registration that asks the very same, while it is fresh.

What was seen stays here; a browser holds only its id. The fingerprint covers everything that was sent and
judged (address, key, headers, certificates, id, type, declarations, depth), so that any change means another
probe.
"""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from app.access.actors import Actor
from app.probe.values import Target
from app.registry.endpoints import rows as endpoints
from app.registry.probing import DECLARED, ProbeOrder, Values
from app.store.base import db, new_id, now
from app.store.leases import Trial
from app.store.rotation import digest

JSON = Any
KEPT = timedelta(minutes=10)
"""How long what was seen may stand for what is: less than a key that was typed is kept."""


def keep(report: dict[str, JSON], values: Values, target: Target, order: ProbeOrder) -> str:
    """Keep an accepted report for a person, in the transaction at hand; its id, "" for anybody else."""
    if order.actor.kind != "user":
        return ""
    db.session.execute(delete(Trial).where(Trial.expires <= now()))
    trial = Trial(id=new_id(), user_id=order.actor.id, report=report, expires=now() + KEPT)
    trial.fingerprint = _fingerprint(values, target, order)
    db.session.add(trial)
    return trial.id


def find(id: str, actor: Actor) -> Trial | None:
    """What this person still has under this id."""
    trial = db.session.get(Trial, id[:36]) if id else None
    return trial if trial is not None and trial.user_id == actor.id and trial.expires > now() else None


def take(id: str, values: Values, target: Target, order: ProbeOrder) -> dict[str, JSON] | None:
    """The report of a fresh trial that asked the very same, which is used up by that; else None.

    It is deleted in the transaction at hand.
    """
    trial = find(id, order.actor)
    if trial is None or not hmac.compare_digest(trial.fingerprint, _fingerprint(values, target, order)):
        return None
    report = dict(trial.report)
    db.session.execute(delete(Trial).where(Trial.id == trial.id))
    return report


def _fingerprint(values: Values, target: Target, order: ProbeOrder) -> str:
    """A keyed hash of all that a probe asks and judges by. The first one of a registry makes its secret."""
    declared = {name: values.get(name) for name in sorted(DECLARED.values())}
    asked = (target.model_id, values["model_type"], declared, order.strict, order.depth)
    called = endpoints.identity_of(target.base_url, values["api_key"] or "", target.settings)
    # The key as it was sent, too: a variable of the environment may hold another one by now.
    return digest(json.dumps([called, digest(target.api_key), asked]))
