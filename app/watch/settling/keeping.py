"""What is kept of a look, whatever it means for health. Nothing here commits."""

from __future__ import annotations

from sqlalchemy import select

from app.registry import watching
from app.store.base import db
from app.store.watch.events import FeedEvent
from app.store.watch.health import Look, WatchCost
from app.watch import sameness
from app.watch.due.claims import plan_of
from app.watch.due.schedule import Spent
from app.watch.faults import OF_THE_KEY
from app.watch.identity.noting import DIFFER
from app.watch.incidents import stamp
from app.watch.notices import expiry
from app.watch.settling import slowest
from app.watch.settling.look import Settled
from app.watch.states import tell_of_model


def is_doubtful(look: Settled) -> bool:
    """Whether the list of models refused the key, and did not the last time that it was read."""
    if look.seen.kind != "catalog" or look.seen.look.code not in OF_THE_KEY:
        return False
    earlier = select(Look.code).where(Look.model_pk == look.id, Look.kind == "catalog")
    return db.session.scalar(earlier.order_by(Look.at.desc()).limit(1)) != look.seen.look.code


def note(look: Settled) -> None:
    """Keep the look itself, and what it cost."""
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
    if slowest.may_be_another(row, seen.look.latency_ms, look.now):
        row.day_p95_ms = slowest.p95_of_slowest_hour(look.id, look.now)
    row.last_check = look.now
    _note_evidence(look)
    _spend(look, tokens)


def _note_evidence(look: Settled) -> None:
    """What the state stands on. A question that was met by a limit tells nothing, and is asked again."""
    row, seen = look.row, look.seen
    if seen.kind == "catalog":
        row.evidence = seen.kind
    elif seen.look.result != "untold":
        row.evidence, row.last_proof = seen.kind, look.now
        row.last_full = look.now if seen.kind == "full" else row.last_full


def _spend(look: Settled, tokens: int) -> None:
    cost = look.cost
    if cost is None:
        cost = WatchCost(model_pk=look.id, day=look.now.date(), looks=0, calls=0, tokens=0, money=0.0)
        db.session.add(cost)
    model, seen = look.model, look.seen
    prices = (model.input_cost or 0.0, model.output_cost or 0.0)
    cost.looks += 1 if tokens else 0
    cost.calls += seen.calls
    cost.tokens += tokens
    cost.money += (seen.prompt_tokens * prices[0] + seen.completion_tokens * prices[1]) / 1_000_000
    look.spent = Spent(cost.tokens, cost.looks)


def note_endings(look: Settled) -> None:
    """How long the server's certificate and the key hold, as this look saw it."""
    known = dict(look.place.endings or {})
    if look.seen.certificate:
        known["certificate"] = expiry.as_kept(look.seen.certificate)
    if look.seen.kind == "proof":
        known.pop("key", None)
        known |= {"key": expiry.as_kept(look.seen.key)} if look.seen.key else {}
    if known != (look.place.endings or {}):
        look.place.endings = known


def tell_changes(look: Settled) -> None:
    """Tell of what a whole probe saw changed, and let old reports go."""
    model, found = look.model, look.seen.changes
    since = look.identity.differs_since if look.identity else None
    beside = {"answers_differ_since": stamp(since)} if since else {}
    for change in found:
        detail = {"name": change.name, "from": change.before, "to": change.after} | beside
        FeedEvent.add(change.kind, model_pk=look.id, endpoint_id=look.row.endpoint_id, at=look.now, **detail)
    for news in dict.fromkeys("price.changed" if one.kind == "price" else "model.changed" for one in found):
        said = [c.sentence for c in found if (c.kind == "price") == (news == "price.changed")]
        said += [f"{DIFFER}, too."] if since else []
        tell_of_model(news, look.row, model, look.now, code=None, message=" ".join(said))
    if found:
        watching.note_changed(model)
    watching.forget_old_reports(model)


def compare(look: Settled) -> None:
    """Whether it is still the same model; where it is not, a whole probe at once says what else changed."""
    row = look.row
    if sameness.take(row, look.model, look.identity, look.seen.sample, look.now) and plan_of(row).full_hours:
        row.last_full, row.due = None, look.now
