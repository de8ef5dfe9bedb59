"""Apply: a whole wanted state in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from flask import Blueprint, Response

from app.access import audit, signin_limits
from app.access.actors import Actor
from app.config import settings
from app.errors import ApiError
from app.probe.base_url import without_query_values
from app.registry.declared.applying import apply as apply_file
from app.registry.declared.plan import Entry, Outcome
from app.registry.declared.wanted import read_wanted
from app.registry.probing import ProbeOrder
from app.web.api.answers import answer, json_body
from app.web.api.describe import describe
from app.web.api.idempotency import idempotent
from app.web.api.query import depth_argument, flag_argument
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_apply", __name__)

EXAMPLE = {
    "endpoints": [
        {
            "name": "Practice",
            "base_url": "http://127.0.0.1:8099/v1",
            "api_key": "practice-key",
            "region": "on-prem",
            "labels": {"owner": "Platform team", "tags": ["prod"]},
            "models": [{"model_id": "practice-chat", "model_type": "chat"}],
        }
    ],
    "prune": False,
    "dry_run": True,
}


@blueprint.post("/v2/apply")
@require_scope("write")
@idempotent
@describe(
    tag="Exchange", takes="Wanted", gives="Applied", query=("strict", "depth"), examples={"practice": EXAMPLE}
)
def apply() -> Response:
    """Make the registry what the body says: create, change, and with `prune` delete.

    What is the same already is neither written nor probed, so that the same body twice changes nothing the
    second time. An absent field stays as it is, null takes it away. What can't be done is `rejected` with
    its reason; the others are done all the same. A plan that finds a secret other than the stored one is on
    record, and after so many every file with secrets is 429, unless its token is an administrator's.
    """
    wanted = read_wanted(json_body())
    if any(each.has_secret for each in wanted.endpoints):
        _refuse_guessing(current_actor())
    order = ProbeOrder(current_actor(), bool(flag_argument("strict")), depth_argument())
    entries = apply_file(wanted, order)
    _note_comparisons(entries, wanted.dry_run, order.actor)
    counts = Counter(entry.outcome for entry in entries)
    return answer(
        {
            "dry_run": wanted.dry_run,
            "counts": {name: counts[name] for name in get_args(Outcome)},
            "entries": [entry.as_dict() for entry in entries],
        }
    )


def _refuse_guessing(actor: Actor) -> None:
    """ApiError 429 for somebody whose secrets were too often others than the stored ones."""
    wait_s = 0 if actor.may("admin") else signin_limits.wait_for_comparisons(actor.label)
    if wait_s:
        raise ApiError("rate_limited", _TOO_OFTEN, headers={"Retry-After": str(wait_s)})


def _note_comparisons(entries: Sequence[Entry], dry_run: bool, actor: Actor) -> None:
    """Count what a guess could learn that no endpoint has seen: in a dry run, and of what was rejected.

    A file may hold one secret for each of many endpoints, but not many for one.
    """
    told = [entry for entry in entries if entry.is_other_secret and (dry_run or entry.outcome == "rejected")]
    if not told or actor.may("admin"):
        return
    (_, most), *_ = Counter(entry.base_url for entry in told).most_common(1)
    signin_limits.take_comparisons(actor.label, most)
    ids = [entry.id or without_query_values(entry.base_url) for entry in told]
    audit.record_now(actor, "secrets.compared", detail={"endpoints": ids})
    if dry_run and most > (settings().signin_failures or most):
        _refuse_guessing(actor)  # this file alone held more than are allowed, so it is not answered either


_TOO_OFTEN = (
    "Too many plans found a secret that is not the stored one. Wait as long as Retry-After says, leave "
    "the secrets out of the file, or use a token with the scope admin."
)
