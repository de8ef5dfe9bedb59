"""What a look means: for its model alone, or for its endpoint and all models there. Nothing here commits."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch, ModelHealth
from app.store.watch.incidents import Incident
from app.watch import incidents, judgement
from app.watch.faults import (
    UNREACHABLE,
    Contact,
    Fault,
    Told,
    in_doubt_again,
    is_endpoint_wide,
    learn,
    next_witness,
    untried,
    wait_s,
    whose,
)
from app.watch.judgement import Health, Reason
from app.watch.settling import reasons
from app.watch.settling.look import Settled, plan_next
from app.watch.states import cover, follow, health_of, keep

_ASKED_AROUND = 2
"""Repeats for which others are waited for, to tell whose network it is."""

_SPREAD_S = 60
"""Seconds over which the models of an endpoint that works again are looked at."""


def judge(look: Settled) -> list[str]:
    """Judge a look; gives the models whose next look was moved forward."""
    fault = _fault_of(look.place)
    seen = look.seen.look
    if seen.result == "untold" and look.seen.reached and fault and fault.code in UNREACHABLE:
        seen = replace(seen, result="good", code="")  # a limit, or the list of models, came from there
    _note_contact(look)
    if look.row.alone and is_endpoint_wide(seen) and fault is None:
        return _alone(look)
    learned, told = learn(fault, look.id, seen, look.rules)
    look.place.fault = _kept(learned)
    return _follow_told(look, fault, learned, told)


def _follow_told(look: Settled, before: Fault | None, fault: Fault | None, told: Told) -> list[str]:
    if told == "own" and before is not None:
        return _its_own(look, before)
    if told == "recovered":
        return _recovered(look)
    if fault is None:
        return _alone(look)
    if told == "nothing":
        return _ask_one(look, fault)
    if told == "confirmed":
        return _confirmed(look, fault)
    if told == "standing":
        _stands(look, before or fault, fault)
    if fault.confirmed:
        for row in look.there:
            cover(row, look.now)
    return _ask_one(look, fault)


def _alone(look: Settled) -> list[str]:
    """The look is about this model only."""
    row = look.row
    before = row.state
    judged = judgement.judge(health_of(row), look.seen.look, look.rules)
    if look.seen.look.result == "good":
        row.alone = False
    if keep(row, look.model, judged.health, look.now):
        follow(row, look.model, before, look.now)
    elif row.state == "down" and look.seen.look.result in judgement.FAILED:
        reasons.saw_alone(look.id, look.seen.look.code, look.seen.look.message, look.now)
    plan_next(look, judged.wait_s)
    return []


def _its_own(look: Settled, fault: Fault) -> list[str]:
    """Others met a fault of endpoints, but this one was answered: it is theirs alone."""
    look.place.witness = None
    accused = [id for id in fault.witnesses if id != look.id]
    was_ours = fault.failures >= look.rules.failures  # else it would have been confirmed
    for row in look.there:
        if row.model_pk in fault.witnesses and not was_ours:
            row.memory = asdict(judgement.failed_once(health_of(row).memory))
        if row.model_pk in accused:
            row.alone, row.due = True, look.now + timedelta(seconds=judgement.FIRST_REPEAT_S)
    return [*accused, *_alone(look)]


def _ask_one(look: Settled, fault: Fault) -> list[str]:
    """One model is asked for all of its endpoint."""
    rows = {row.model_pk: row for row in look.there}
    witness = next_witness(fault, list(rows)) or look.id
    look.place.witness = witness
    plan_next(look, look.rules.every_s)
    rows.get(witness, look.row).due = look.now + timedelta(seconds=wait_s(fault, look.rules))
    return [witness]


def _confirmed(look: Settled, fault: Fault) -> list[str]:
    verdict = "theirs"
    if fault.code in UNREACHABLE:
        contacts = _contacts()
        verdict = whose(contacts, fault.began)
        if verdict == "unclear" and fault.failures < look.rules.failures + _ASKED_AROUND:
            look.place.fault = _kept(in_doubt_again(fault))
            return [*_try(untried(contacts, fault.began), look.now), *_ask_one(look, in_doubt_again(fault))]
    if verdict == "ours":
        incidents.own_network(look.now)
        look.place.fault = _kept(in_doubt_again(fault))
        return _ask_one(look, in_doubt_again(fault))
    _take_all_down(look, fault)
    return _ask_one(look, fault)


def _stands(look: Settled, before: Fault, fault: Fault) -> None:
    """It is still there, maybe for another reason: a server that is back may refuse the key."""
    incident = Incident.open_with(f"{look.place.endpoint_id}:{before.code}")
    if incident is not None:
        reasons.saw(incident, fault.code, fault.message, look.now)
    if (fault.code, fault.message) != (before.code, before.message):
        for row in look.there:
            if row.state == "down" and row.state_before:
                row.reason_code, row.reason_message = fault.code, fault.message
    _take_all_down(look, fault)  # models that came, were enabled or probed since then


def _take_all_down(look: Settled, fault: Fault) -> None:
    """All that are not down for it yet; what they were before is kept for when it is over."""
    rows = look.there
    others = [row for row in rows if row.state != "down" or not row.state_before]
    models = RegisteredModel.at_endpoint(look.place.endpoint_id) if others else {}
    taken_down = []
    for row in others:
        model = models.get(row.model_pk)
        if model is None or not model.enabled:
            continue
        row.state_before, row.evidence = row.state, "proof" if row.model_pk == look.id else "canary"
        health = replace(health_of(row), reason=Reason(fault.code, fault.message))
        since = health.since if row.state == "down" else look.now
        if keep(row, model, replace(health, state="down", since=since), look.now):
            taken_down.append(model)
    incidents.join(taken_down, fault.code, fault.message, look.now)


def _recovered(look: Settled) -> list[str]:
    """The endpoint works again: its models are what they were, and are looked at within a minute."""
    look.place.witness = None
    there = ModelHealth.at_endpoint(look.place.endpoint_id, disabled=True)
    rows = [row for row in there if row.state_before]
    models = RegisteredModel.at_endpoint(look.place.endpoint_id)
    back: set[str] = set()
    for place, row in enumerate(rows):
        model = models.get(row.model_pk)
        before, row.state_before = row.state_before, None
        row.due = look.now + timedelta(seconds=_SPREAD_S * (place + 1) / len(rows))
        if model is None or before == "down" or row.state != "down":
            continue
        if row.model_pk == look.id and look.seen.look.result in judgement.FAILED:
            _stays_down(look)
            continue
        state = "up" if row.model_pk == look.id and before == "unknown" else before
        calm = replace(health_of(row).memory, failures=0, refusals=0, recent="")
        reason = Reason("", "") if state == "degraded" else None
        keep(row, model, Health(state, look.now, reason, calm), look.now)  # type: ignore[arg-type]
        back.add(row.model_pk)
    incidents.leave(back, look.now)
    look.row.alone = False
    return [row.model_pk for row in rows]


def _stays_down(look: Settled) -> None:
    """The endpoint works again, but not the model that was asked for all: it has a reason of its own."""
    seen, row = look.seen.look, look.row
    keep(row, look.model, replace(health_of(row), reason=Reason(seen.code, seen.message)), look.now)
    incidents.leave([row.model_pk], look.now)
    incidents.join([look.model], seen.code, seen.message, look.now)


def _note_contact(look: Settled) -> None:
    place = look.place
    if not look.seen.reached:
        if look.seen.look.code in UNREACHABLE:
            place.unreached = look.now
        return
    was_cut_off = place.unreached and (place.reached is None or place.reached <= place.unreached)
    place.reached = look.now
    if was_cut_off:
        incidents.own_network_works(look.now)


def _contacts() -> list[Contact]:
    """Every endpoint that is watched, and when it was reached."""
    watched = select(ModelHealth.model_pk).where(
        ModelHealth.endpoint_id == EndpointWatch.endpoint_id, ModelHealth.watched.is_(True)
    )
    rows = db.session.scalars(select(EndpointWatch).where(watched.exists()))
    return [Contact(row.endpoint_id, row.host, row.reached, row.unreached) for row in rows]


def _try(endpoints: list[str], now: datetime) -> list[str]:
    """One model of each of these endpoints, to be looked at now."""
    chosen = []
    for id in endpoints:
        first = next(iter(ModelHealth.at_endpoint(id)), None)
        if first is not None:
            first.due = now
            chosen.append(first.model_pk)
    return chosen


def _fault_of(place: EndpointWatch) -> Fault | None:
    if not place.fault:
        return None
    kept: dict[str, Any] = place.fault
    began = datetime.fromisoformat(kept["began"])
    return Fault(**kept | {"began": began, "witnesses": tuple(kept["witnesses"])})


def _kept(fault: Fault | None) -> dict[str, Any] | None:
    return asdict(fault) | {"began": fault.began.isoformat()} if fault else None
