"""Probes: the history of a model, one report, probing now, and what follows for clients."""

from __future__ import annotations

from flask import Blueprint, Response

from app.errors import ApiError
from app.registry import clients, registration
from app.registry.probing import Probed
from app.store.probes import Probe
from app.web.api.answers import (
    answer,
    find_model,
    find_or_none,
    next_link,
    page_of,
    require_no_body,
    whole_model,
)
from app.web.api.describe import describe
from app.web.api.query import cursor_argument, depth_argument, limit_argument, repeat_argument
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_probes", __name__)


@blueprint.get("/v2/models/<path:ref>/probes")
@require_scope("read")
@describe(tag="Probes", gives="Report[]", query=("limit", "cursor"), errors=(409,))
def list_probes(ref: str) -> Response:
    """A page of a model's probe reports, newest first."""
    model = find_or_none(ref)
    if model is None:
        return whole_model(f"{ref}/probes")
    limit = limit_argument()
    probes, more = page_of(Probe.of_model(model.id, limit + 1, cursor_argument()), limit)
    response = answer([probe.report for probe in probes])
    if more:
        # By id: a refId may hold what no address can, such as "..".
        next_link(response, probes[-1].id, f"/v2/models/{model.id}/probes")
    return response


@blueprint.post("/v2/models/<path:ref>/probes")
@require_scope("write")
@describe(tag="Probes", gives="Report", query=("depth", "repeat", "checks"), errors=(409,))
def probe_now(ref: str) -> Response:
    """Probe a model with its stored key, whatever the verdict."""
    model = find_model(ref)
    require_no_body("Ask for the proof alone with `?depth=proof`.")
    depth, repeat = depth_argument(), repeat_argument(model.model_type)
    events = registration.reprobe(model, current_actor(), depth=depth, repeat=repeat)
    end = registration.drain(events)
    assert isinstance(end, Probed)
    return answer(end.report)


@blueprint.get("/v2/models/<path:ref>/works-with")
@require_scope("read")
@describe(tag="Probes", gives="WorksWith[]", errors=(409,))
def read_works_with(ref: str) -> Response:
    """For each known client, whether the model works with it, and which capability decides."""
    model = find_or_none(ref)
    if model is None:
        return whole_model(f"{ref}/works-with")
    found = clients.works_with(model.model_type, model.capabilities or {})
    return answer([one.as_dict() for one in found])


@blueprint.get("/v2/probes/<id>")
@require_scope("read")
@describe(tag="Probes", gives="Report")
def read_probe(id: str) -> Response:
    """One probe report."""
    probe = None if len(id) > 36 else Probe.by_id(id)
    if probe is None:
        raise ApiError("not_found", "There is no probe with this id.", field="id")
    return answer(probe.report)
