"""Apply: a whole wanted state in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from flask import Blueprint, Response

from app.access import audit, signin_limits
from app.access.actors import Actor
from app.errors import ApiError
from app.registry.declared.applying import apply as apply_file
from app.registry.declared.plan import Outcome
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
    its reason; the others are done all the same. A dry run that finds a secret other than the stored one is
    on record, and 429 after so many, unless its token is an administrator's.
    """
    wanted = read_wanted(json_body())
    order = ProbeOrder(current_actor(), bool(flag_argument("strict")), depth_argument())
    entries = apply_file(wanted, order)
    if wanted.dry_run:
        _note_comparisons([entry.id for entry in entries if entry.is_other_secret], order.actor)
    counts = Counter(entry.outcome for entry in entries)
    return answer(
        {
            "dry_run": wanted.dry_run,
            "counts": {name: counts[name] for name in get_args(Outcome)},
            "entries": [entry.as_dict() for entry in entries],
        }
    )


def _note_comparisons(endpoint_ids: Sequence[str | None], actor: Actor) -> None:
    """A dry run proves nothing with the endpoint, so a secret could be guessed by it unseen."""
    if not endpoint_ids or actor.may("admin"):
        return
    attempt = signin_limits.take_comparison(actor.label)
    audit.record_now(actor, "secrets.compared", detail={"endpoints": endpoint_ids})
    if attempt.wait_s:
        raise ApiError("rate_limited", _TOO_OFTEN, headers={"Retry-After": str(attempt.wait_s)})


_TOO_OFTEN = (
    "Too many dry runs found a secret that is not the stored one. Wait as long as Retry-After says, leave "
    "the secrets out of the file, or use a token with the scope admin."
)
