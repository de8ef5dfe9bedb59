"""The list of models, one model, and what is done to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app.access import audit
from app.probe.model_types import MODEL_TYPES
from app.registry import changes, clients, registration
from app.registry.document import document, ref_id
from app.registry.endpoints.rows import models_of
from app.registry.exchange import artefacts
from app.registry.exchange.first_call import is_keyed
from app.registry.playground import ROUTES
from app.registry.visible import as_seen
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.incidents import Incident
from app.watch import sameness, summary
from app.watch.identity.told import identity_of
from app.web.badge import badge_of
from app.web.guards import current_actor, require_role
from app.web.pages import check_rows, live
from app.web.pages.incidents import words
from app.web.pages.models import bulk, charts, costly, facts, history, labels, listing, playground
from app.web.pages.register import presets
from app.web.pages.watch import health

blueprint = Blueprint("models", __name__, url_prefix="/models")
blueprint.register_blueprint(bulk.blueprint)
blueprint.register_blueprint(costly.blueprint)
blueprint.register_blueprint(playground.blueprint)
blueprint.register_blueprint(labels.blueprint)

TRIGGERS = {
    "registration": "at registration",
    "update": "when it was changed",
    "manual": "started by hand",
    "scheduled": "on schedule",
    "validate": "as a trial",
}

EVIDENCE = {
    "catalog": "its endpoint lists it",
    "proof": "it answered a question",
    "full": "a whole probe",
    "canary": "another model of the endpoint was asked for all",
}
"""What the last look stands on."""

DONE = {
    "registered": "Registered: the probe has seen it work.",
    "changed": "Changed.",
    "probed": "Probed again; the result is below.",
    "repeated": "Tried many times; the result is below, under Reliability.",
}
"""What `?done=` says at the top: a stream can't leave a message in the session, so it stands in the URL."""


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """The models, newest first; search and filters stand in the URL."""
    search = listing.search_of(request.args)
    models, cursor = listing.found(search)
    return render_template(
        "models/index.html",
        search=search,
        rows=listing.rows_of(list(as_seen(models, whole_url=current_actor().may("write")))),
        summary=_summary(len(models), more=bool(cursor or search.cursor)),
        first_url=search.url() if search.cursor else None,
        next_url=search.url(cursor) if cursor else None,
        sorts=listing.SORTS,
        actions=bulk.ACTIONS,
        may_edit=current_actor().may("write"),
        practice=presets.practice(),
    )


@blueprint.get("/<id>")
@require_role("viewer")
def detail(id: str) -> str:
    """Everything that is known of one model."""
    model = _model(id)
    probe = Probe.by_id(model.last_probe_id) if model.last_probe_id else None
    (model,) = as_seen([model], whole_url=current_actor().may("write"))
    return render_template("models/detail.html", **_detail(model, probe))


@blueprint.get("/<id>.json")
@require_role("viewer")
def as_json(id: str) -> Response:
    """The model document, for a person who is signed in; programs read /v2/models/<id>."""
    return jsonify(document(_model(id)))


@blueprint.get("/<id>/badge.svg")
@require_role("viewer")
def badge(id: str) -> Response:
    """State and uptime as a picture; programs and READMEs get it at /badge/<id>.svg."""
    return badge_of(_model(id), now())


@blueprint.route("/<id>/delete", methods=["GET", "POST"])
@require_role("editor")
def delete(id: str) -> Response | str:
    """Ask, then delete the model with its key and its probes."""
    model = _model(id)
    if request.method == "GET":
        count = db.session.scalar(select(func.count()).where(Probe.model_pk == id))
        return render_template("models/delete.html", model=model, ref_id=ref_id(model.model_id), probes=count)
    name = model.display_name
    changes.remove(model.id, current_actor())
    flash(f"“{name}” is deleted.", "ok")
    return redirect(url_for("models.index"), 303)


@blueprint.post("/<id>/switch")
@require_role("editor")
def switch(id: str) -> Response:
    """Enable or disable the model for consumers."""
    model = _model(id)
    model = changes.set_enabled(model.id, current_actor(), enabled=request.form.get("enabled") == "yes")
    flash(f"“{model.display_name}” is {'enabled' if model.enabled else 'disabled'}.", "ok")
    return redirect(url_for("models.detail", id=id), 303)


@blueprint.post("/<id>/probe")
@require_role("editor")
def probe_again(id: str) -> Response:
    """Probe the model now with its stored key."""
    lines = _probing(_model(id))
    if live.wants_stream():
        return live.stream(lines)
    return redirect(live.last_of(lines)["location"], 303)


@blueprint.post("/<id>/identity")
@require_role("editor")
def confirm_identity(id: str) -> Response:
    """What answers now is right: it is learned anew."""
    model = _model(id)
    sameness.confirm(model)
    audit.record(current_actor(), "model.identity_confirmed", model)
    db.session.commit()
    flash(f"From now on “{model.display_name}” is compared with what it answers today.", "ok")
    return redirect(url_for("models.detail", id=id, _anchor="identity"), 303)


def _probing(model: RegisteredModel) -> Iterator[live.Line]:
    """Every event of a probe with the stored key as a line; the last leads back to the model."""
    location = url_for("models.detail", id=model.id, done="probed")
    with live.watching() as left:
        for event in registration.reprobe(model, current_actor(), "manual", cancelled=left):
            line = live.line_of(event)
            if line is not None:
                yield line
    yield {"event": "end", "location": location}


def _model(id: str) -> RegisteredModel:
    model = RegisteredModel.by_id(id)
    if model is None:
        abort(404)
    return model


def _known(model: RegisteredModel) -> dict[str, Any]:
    """Uptime, latency and cost as the API tells them."""
    told = summary.health_of(model, now())
    periods = (("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"), ("90 days", "90d"))
    return told | {"uptimes": [(label, told["uptime"][name]) for label, name in periods]}


def _sharing(model: RegisteredModel) -> int:
    """How many other models are served at its endpoint."""
    return models_of(model.endpoint) - 1


def _summary(count: int, *, more: bool) -> str:
    noun = "model" if count == 1 else "models"
    return f"{count} {noun} on this page" if more else f"{count} {noun}"


def _detail(model: RegisteredModel, probe: Probe | None) -> dict[str, Any]:
    made = document(model)
    report = probe.report if probe else None
    timeline = history.timeline(history.last_probes(model.id))[: history.SHOWN]
    keyed, identity = is_keyed(model), identity_of(model)
    kind = MODEL_TYPES.get(model.model_type)
    return {
        "model": model,
        "document": made,
        "type_label": kind.label if kind else model.model_type,
        "probe": probe,
        "report": report,
        "trigger_words": TRIGGERS.get(probe.trigger, probe.trigger) if probe else "",
        "check_rows": check_rows.check_rows(model.base_url, report, model.capabilities or {}, keyed=keyed),
        "works_with": clients.works_with(model.model_type, model.capabilities or {}),
        "sections": facts.sections_of(model, made),
        "parameters": made["parameters"],
        "keyed": keyed,
        "artefacts": artefacts.labelled(model),
        "repeated": history.last_repeated(model.id),
        "error_words": costly.error_words,
        "may_repeat": bool(kind and kind.repeatable),
        "may_try": current_actor().may("write") and model.model_type in ROUTES,
        "texts": ("", ""),
        "limit": 512,
        "may_edit": current_actor().may("write"),
        "timeline": timeline,
        "standing": history.standing(timeline),
        "health": health.shown([model], now())[model.id],
        "known": _known(model),
        "sharing": _sharing(model),
        "incidents": words.told(Incident.open_of_model(model.id)),
        "last_change": history.last_change(timeline),
        "identity": identity,
        "identity_chart": charts.pairs(
            "How often each is the answer", [tuple(one.values()) for one in identity["distributions"]]
        ),
        "curves": history.curves(model.id),
        "triggers": TRIGGERS,
        "evidence": EVIDENCE,
        "done": DONE.get(request.args.get("done", "")),
    }
