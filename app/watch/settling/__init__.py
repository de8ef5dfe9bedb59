"""After a look: what it means for the model, for its endpoint and the other models there, in one transaction.

The endpoint's row is held from the beginning, so that of two looks that end at once one follows the other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from app.config import settings
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import EndpointWatch, ModelHealth
from app.watch import judgement
from app.watch.due import HORIZON, Taken, plan_of
from app.watch.judgement import Reason, Rules
from app.watch.looking import Seen
from app.watch.settling.judging import judge
from app.watch.settling.keeping import compare, is_doubtful, note, note_endings, tell_changes
from app.watch.settling.look import Settled
from app.watch.states import follow, health_of, keep


def settle(taken: Taken, seen: Seen | None, now: datetime) -> list[str]:
    """Keep a look and all that follows; gives the models whose next look was moved forward. Commits."""
    place = EndpointWatch.locked(taken.endpoint_id)
    row, model = ModelHealth.by_id(taken.model_pk), RegisteredModel.by_id(taken.model_pk)
    if seen is None or place is None or row is None or model is None or row.turn != taken.turn:
        db.session.rollback()
        return []
    rules = Rules(plan_of(row).every_s, settings().watch_failures)
    look = Settled(place, row, model, seen, now, rules)
    doubtful = is_doubtful(look)
    note(look)
    note_endings(look)
    _take_over(row, model, now)
    if seen.kind == "full":
        tell_changes(look)
    again = set(judge(look))
    if seen.was_sampled and seen.look.result == "good":
        compare(look)
    if doubtful:
        row.last_proof, row.due = None, now + timedelta(seconds=judgement.FIRST_REPEAT_S)
    row.leased_until = row.running_until = row.taken_by = None
    if row.due <= now + HORIZON:
        again.add(row.model_pk)
    db.session.commit()
    return sorted(again)


def take_over_probed(now: datetime) -> int:
    """Take over what people's own probes said since the last looks; gives of how many models. Commits."""
    said = select(ModelHealth.model_pk, ModelHealth.endpoint_id).join(
        RegisteredModel, RegisteredModel.id == ModelHealth.model_pk
    )
    found = db.session.execute(said.where(RegisteredModel.health != ModelHealth.state)).all()
    for model_pk, endpoint_id in found:
        place = EndpointWatch.locked(endpoint_id)
        row, model = ModelHealth.by_id(model_pk), RegisteredModel.by_id(model_pk)
        if place is not None and row is not None and model is not None:
            _take_over(row, model, now)
        db.session.commit()
    return len(found)


def _take_over(row: ModelHealth, model: RegisteredModel, now: datetime) -> None:
    """What a person's own probe said since the last look stands; what it saw is expected from now on."""
    if model.health == row.state:
        return
    works = model.health != "down"
    said = judgement.accepted(health_of(row), now, works=works, reason=None if works else _why(model))
    before, state = row.state, model.health
    keep(row, model, replace(said, state=state), now)  # type: ignore[arg-type]
    follow(row, model, before, now)


def _why(model: RegisteredModel) -> Reason:
    """What the last probe of a model said is wrong."""
    probe = Probe.by_id(model.last_probe_id) if model.last_probe_id else None
    told = probe.report.get("diagnosis") if probe else None
    return Reason(told["code"], told["message"]) if told else Reason("probed", "A probe failed.")
