"""Apply: a whole wanted state in one call."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from flask import Blueprint, Response

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
    second time. A secret is compared for administrators only; from others it counts as a change. An absent
    field stays as it is, null takes it away. What can't be done is `rejected` with its reason; the others
    are done all the same.
    """
    wanted = read_wanted(json_body())
    order = ProbeOrder(current_actor(), bool(flag_argument("strict")), depth_argument())
    entries = apply_file(wanted, order)
    counts = Counter(entry.outcome for entry in entries)
    return answer(
        {
            "dry_run": wanted.dry_run,
            "counts": {name: counts[name] for name in get_args(Outcome)},
            "entries": [entry.as_dict() for entry in entries],
        }
    )
