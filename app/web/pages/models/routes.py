"""The list of models, one model, and what is done to it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app.access import audit
from app.registry import changes
from app.registry.document import document, ref_id
from app.registry.visible import as_seen
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.watch import sameness
from app.web.badge import badge_of
from app.web.guards import current_actor, require_role
from app.web.pages import live
from app.web.pages.display import range_of
from app.web.pages.find import recent
from app.web.pages.models import bulk, columns, comparing, costly, labels, listing, paging, playground, tabs
from app.web.pages.register import presets

blueprint = Blueprint("models", __name__, url_prefix="/models")
blueprint.register_blueprint(bulk.blueprint)
blueprint.register_blueprint(columns.blueprint)
blueprint.register_blueprint(comparing.blueprint)
blueprint.register_blueprint(costly.blueprint)
blueprint.register_blueprint(playground.blueprint)
blueprint.register_blueprint(labels.blueprint)


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """The models, newest first; search and filters stand in the URL."""
    search = listing.search_of(request.args)
    page = paging.found(search)
    counts = paging.counts(search)
    total = next((row.count for row in counts if row.current), 0)
    return render_template(
        "models/index.html",
        search=search,
        rows=listing.rows_of(list(as_seen(page.models, whole_url=current_actor().may("write")))),
        summary=range_of(page.skipped, len(page.models), total),
        total=total,
        counts=counts,
        columns=columns.chosen(),
        every_column=columns.COLUMNS,
        first_url=search.url() if page.before else None,
        before_url=search.url(page.before) if page.before else None,
        next_url=search.url(page.after) if page.after else None,
        actions=bulk.ACTIONS,
        may_edit=current_actor().may("write"),
        practice=presets.practice(),
    )


@blueprint.get("/<id>")
@require_role("viewer")
def detail(id: str) -> str:
    """One model: how it stands, what it can do, how it is called."""
    return _part("detail", id)


@blueprint.get("/<id>/checks")
@require_role("viewer")
def checks(id: str) -> str:
    """What the last probe asked and saw."""
    return _part("checks", id)


@blueprint.get("/<id>/checks/<name>")
@require_role("viewer")
def call(id: str, name: str) -> str:
    """The command that repeats a check."""
    model = _as_seen(id)
    return render_template("models/call.html", model=model, **tabs.call(model, name))


@blueprint.get("/<id>/history")
@require_role("viewer")
def history(id: str) -> str:
    """Its probes over time."""
    return _part("history", id)


@blueprint.get("/<id>/use")
@require_role("viewer")
def use(id: str) -> str:
    """What can be copied, and a box to try it."""
    return _part("use", id)


@blueprint.get("/<id>/document")
@require_role("viewer")
def as_document(id: str) -> str:
    """The document by sections, with the raw JSON beside it."""
    return _part("as_document", id)


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
    return live.answer(costly.probing(_model(id)))


@blueprint.post("/<id>/identity")
@require_role("editor")
def confirm_identity(id: str) -> Response:
    """What answers now is right: it is learned anew."""
    model = _model(id)
    sameness.confirm(model)
    audit.record(current_actor(), "model.identity_confirmed", model)
    db.session.commit()
    flash(f"From now on “{model.display_name}” is compared with what it answers today.", "ok")
    return redirect(url_for("models.history", id=id, _anchor="identity"), 303)


def _part(name: str, id: str) -> str:
    """One part of a model's page, below the head that all have."""
    model = _as_seen(id)
    recent.note("model", id)
    return render_template(f"models/{name}.html", **tabs.head(model), **tabs.PARTS[name](model))


def _as_seen(id: str) -> RegisteredModel:
    (model,) = as_seen([_model(id)], whole_url=current_actor().may("write"))
    return model


def _model(id: str) -> RegisteredModel:
    model = RegisteredModel.by_id(id)
    if model is None:
        abort(404)
    return model
