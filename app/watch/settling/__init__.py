"""After a look: what it means for the model, for its endpoint and the other models there, in one transaction.

The endpoint's row is held from the beginning, so that of two looks that end at once one follows the other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import lazyload

from app.config import settings
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import EndpointWatch, ModelHealth, WatchCost
from app.store.watch.samples import ModelIdentity
from app.watch import judgement
from app.watch.due.claims import Claim, claim, claim_held, plan_of
from app.watch.due.turns import Taken
from app.watch.judgement import Reason, Rules
from app.watch.looking import Seen
from app.watch.settling.judging import judge
from app.watch.settling.keeping import compare, is_doubtful, note, note_endings, tell_changes
from app.watch.settling.look import Settled
from app.watch.states import follow, health_of, keep


def settle(taken: Taken, seen: Seen | None, now: datetime) -> list[Claim]:
    """Keep a look and all that follows; gives the looks that follow soon, claimed. Commits."""
    look = _held(taken, seen, now) if seen is not None else None
    if look is None:
        db.session.rollback()
        return []
    row = look.row
    again = _settled(look)
    row.leased_until = row.running_until = row.taken_by = None
    own = claim_held(row, now, enabled=look.model.enabled)
    db.session.commit()
    return [*([own] if own else []), *(claim(now, sorted(again)) if again else [])]


_ROWS = (
    select(ModelHealth, RegisteredModel, WatchCost, ModelIdentity)
    .join(RegisteredModel, RegisteredModel.id == ModelHealth.model_pk)
    .outerjoin(WatchCost, WatchCost.of_today())
    .outerjoin(ModelIdentity, ModelIdentity.model_pk == ModelHealth.model_pk)
    .where(ModelHealth.model_pk == bindparam("model_pk"))
    .options(lazyload(RegisteredModel.endpoint))
    .execution_options(populate_existing=True)
)
"""Everything that a look may change but its endpoint's row, which is held before."""


def _held(taken: Taken, seen: Seen, now: datetime) -> Settled | None:
    """A look with its rows, the endpoint's held; None where one is gone, or somebody else looks meanwhile."""
    place = EndpointWatch.locked(taken.endpoint_id)
    asked = {"model_pk": taken.model_pk, "today": now.date()}
    found = db.session.execute(_ROWS, asked).one_or_none()
    if place is None or found is None or found[0].turn != taken.turn:
        return None
    row, model, cost, identity = found
    rules = Rules(plan_of(row).every_s, settings().watch_failures)
    return Settled(place, row, model, cost, identity, seen, now, rules)


def _settled(look: Settled) -> set[str]:
    """Keep a look and judge it; gives the other models whose next look was moved forward."""
    row, seen, now = look.row, look.seen, look.now
    doubtful = is_doubtful(look)
    note(look)
    note_endings(look)
    _take_over(row, look.model, now)
    if seen.kind == "full":
        tell_changes(look)
    again = set(judge(look))
    if seen.was_sampled and seen.look.result == "good":
        compare(look)
    if doubtful:
        row.last_proof, row.due = None, now + timedelta(seconds=judgement.FIRST_REPEAT_S)
    return again - {look.id}


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
