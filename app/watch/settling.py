"""After a look: what it means for the model, for its endpoint and the other models there, in one transaction.

The endpoint's row is held from the beginning, so that of two looks that end at once one follows the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.config import settings
from app.registry import watching
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import EndpointWatch, Look, ModelHealth, WatchCost
from app.watch import incidents, judgement, sameness
from app.watch.due import HORIZON, Taken, plan_of
from app.watch.faults import (
    ENDPOINT_WIDE,
    OF_THE_KEY,
    UNREACHABLE,
    Contact,
    Fault,
    Told,
    in_doubt_again,
    learn,
    next_witness,
    untried,
    wait_s,
    whose,
)
from app.watch.judgement import Health, Reason, Rules
from app.watch.looking import Seen
from app.watch.notices import expiry
from app.watch.schedule import Spent, allowed_every_s, next_due
from app.watch.states import cover, follow, health_of, keep, tell_of_model

_ASKED_AROUND = 2
"""Repeats for which others are waited for, to tell whose network it is."""

_SPREAD_S = 60
"""Seconds over which the models of an endpoint that works again are looked at."""


@dataclass(slots=True)
class Settled:
    """A look with the rows that it is about, as they are held."""

    place: EndpointWatch
    row: ModelHealth
    model: RegisteredModel
    seen: Seen
    now: datetime
    rules: Rules
    spent: Spent = Spent()
    """What the watch of the model has used today, with this look."""

    @property
    def id(self) -> str:
        """The model's."""
        return self.row.model_pk


def settle(taken: Taken, seen: Seen | None, now: datetime) -> list[str]:
    """Keep a look and all that follows; gives the models whose next look was moved forward. Commits."""
    place = EndpointWatch.locked(taken.endpoint_id)
    row, model = ModelHealth.by_id(taken.model_pk), RegisteredModel.by_id(taken.model_pk)
    if seen is None or place is None or row is None or model is None or row.turn != taken.turn:
        db.session.rollback()
        return []
    rules = Rules(plan_of(row).every_s, settings().watch_failures)
    look = Settled(place, row, model, seen, now, rules)
    is_doubtful = _is_doubtful(look)
    _note(look)
    _note_endings(look)
    _take_over(row, model, now)
    if seen.kind == "full":
        _tell_changes(look)
    again = set(_judge(look))
    if seen.was_sampled and seen.look.result == "good":
        _compare(look)
    if is_doubtful:
        row.last_proof, row.due = None, now + timedelta(seconds=judgement.FIRST_REPEAT_S)
    row.leased_until = row.running_until = row.taken_by = None
    if row.due <= now + HORIZON:
        again.add(row.model_pk)
    db.session.commit()
    return sorted(again)


def _is_doubtful(look: Settled) -> bool:
    """Whether the list of models refused the key, and did not the last time that it was read."""
    if look.seen.kind != "catalog" or look.seen.look.code not in OF_THE_KEY:
        return False
    earlier = select(Look.code).where(Look.model_pk == look.id, Look.kind == "catalog")
    return db.session.scalar(earlier.order_by(Look.at.desc()).limit(1)) != look.seen.look.code


def _note(look: Settled) -> None:
    row, seen = look.row, look.seen
    tokens = seen.prompt_tokens + seen.completion_tokens
    db.session.add(
        Look(
            model_pk=look.id,
            at=seen.look.at,
            kind=seen.kind,
            result=seen.look.result,
            code=seen.look.code or None,
            message=seen.look.message[:500] if seen.look.code else None,
            latency_ms=seen.look.latency_ms,
            first_token_ms=seen.first_token_ms,
            calls=seen.calls,
            tokens=tokens,
        )
    )
    row.last_check, row.evidence = look.now, seen.kind
    if seen.kind != "catalog":
        row.last_proof = look.now
    if seen.kind == "full":
        row.last_full = look.now
    _spend(look, tokens)


def _spend(look: Settled, tokens: int) -> None:
    day = look.now.date()
    cost = db.session.get(WatchCost, (look.id, day))
    if cost is None:
        cost = WatchCost(model_pk=look.id, day=day, looks=0, calls=0, tokens=0, money=0.0)
        db.session.add(cost)
    model, seen = look.model, look.seen
    prices = (model.input_cost or 0.0, model.output_cost or 0.0)
    cost.looks += 1 if tokens else 0
    cost.calls += seen.calls
    cost.tokens += tokens
    cost.money += (seen.prompt_tokens * prices[0] + seen.completion_tokens * prices[1]) / 1_000_000
    look.spent = Spent(cost.tokens, cost.looks)


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
    said = judgement.accepted(health_of(row), now, works=works, reason=Reason("probed", "A probe failed."))
    before, state = row.state, model.health
    keep(row, model, replace(said, state=state), now)  # type: ignore[arg-type]
    follow(row, model, before, now)


def _tell_changes(look: Settled) -> None:
    model, found = look.model, look.seen.changes
    for change in found:
        detail = {"name": change.name, "from": change.before, "to": change.after}
        FeedEvent.add(change.kind, model_pk=look.id, endpoint_id=look.row.endpoint_id, at=look.now, **detail)
    for news in dict.fromkeys("price.changed" if one.kind == "price" else "model.changed" for one in found):
        said = [c.sentence for c in found if (c.kind == "price") == (news == "price.changed")]
        tell_of_model(news, look.row, model, look.now, code=None, message=" ".join(said))
    if found:
        watching.note_changed(model)
    watching.forget_old_reports(model)


def _compare(look: Settled) -> None:
    """Whether it is still the same model; where it is not, a whole probe at once says what else changed."""
    row = look.row
    if sameness.take(row, look.model, look.seen.sample, look.now) and plan_of(row).full_hours:
        row.last_full, row.due = None, look.now


def _judge(look: Settled) -> list[str]:
    fault = _fault_of(look.place)
    seen = look.seen.look
    if seen.result == "untold" and look.seen.reached and fault and fault.code in UNREACHABLE:
        seen = replace(seen, result="good", code="")  # a limit, or the list of models, came from there
    _note_contact(look)
    if look.row.alone and seen.code in ENDPOINT_WIDE and fault is None:
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
        incidents.saw(look.place.endpoint_id, fault.code, fault.message, look.now)
        _take_all_down(look, fault)  # models that came, were enabled or probed since then
    if fault.confirmed:
        for row in ModelHealth.at_endpoint(look.place.endpoint_id):
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
    _next(look, judged.wait_s)
    return []


def _next(look: Settled, seconds: int) -> None:
    every_s = allowed_every_s(plan_of(look.row), look.spent, look.now)
    wait = every_s if seconds >= look.rules.every_s else seconds
    look.row.due = next_due(look.id, look.now, wait, every_s)


def _its_own(look: Settled, fault: Fault) -> list[str]:
    """Others met a fault of endpoints, but this one was answered: it is theirs alone."""
    look.place.witness = None
    accused = [id for id in fault.witnesses if id != look.id]
    for row in ModelHealth.at_endpoint(look.place.endpoint_id):
        if row.model_pk in accused:
            row.alone, row.due = True, look.now + timedelta(seconds=judgement.FIRST_REPEAT_S)
    return [*accused, *_alone(look)]


def _ask_one(look: Settled, fault: Fault) -> list[str]:
    """One model is asked for all of its endpoint."""
    rows = {row.model_pk: row for row in ModelHealth.at_endpoint(look.place.endpoint_id)}
    witness = next_witness(fault, list(rows)) or look.id
    look.place.witness = witness
    _next(look, look.rules.every_s)
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


def _take_all_down(look: Settled, fault: Fault) -> None:
    """All that are not down for it yet; what they were before is kept for when it is over."""
    taken_down = []
    for row in ModelHealth.at_endpoint(look.place.endpoint_id):
        if row.state == "down" and row.state_before:
            continue
        model = RegisteredModel.by_id(row.model_pk)
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
    for place, row in enumerate(rows):
        model = RegisteredModel.by_id(row.model_pk)
        before, row.state_before = row.state_before, None
        row.due = look.now + timedelta(seconds=_SPREAD_S * (place + 1) / len(rows))
        if model is None or before == "down" or row.state != "down":
            continue
        if row.model_pk == look.id and look.seen.look.result in ("failed", "refused"):
            _stays_down(look)
            continue
        state = "up" if row.model_pk == look.id and before == "unknown" else before
        calm = replace(health_of(row).memory, failures=0, refusals=0, recent="")
        reason = Reason("", "") if state == "degraded" else None
        keep(row, model, Health(state, look.now, reason, calm), look.now)  # type: ignore[arg-type]
        incidents.leave(row.model_pk, look.now)
    look.row.alone = False
    return [row.model_pk for row in rows]


def _stays_down(look: Settled) -> None:
    """The endpoint works again, but not the model that was asked for all: it has a reason of its own."""
    seen, row = look.seen.look, look.row
    keep(row, look.model, replace(health_of(row), reason=Reason(seen.code, seen.message)), look.now)
    incidents.leave(row.model_pk, look.now)
    incidents.join([look.model], seen.code, seen.message, look.now)


def _note_endings(look: Settled) -> None:
    """How long the server's certificate and the key hold, as this look saw it."""
    known = dict(look.place.endings or {})
    if look.seen.certificate:
        known["certificate"] = expiry.as_kept(look.seen.certificate)
    if look.seen.kind == "proof":
        known.pop("key", None)
        known |= {"key": expiry.as_kept(look.seen.key)} if look.seen.key else {}
    if known != (look.place.endings or {}):
        look.place.endings = known


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
