"""One action on many models: enable, disable, probe again, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.registry import changes, registration
from app.registry.exchange.exports import FORMATS
from app.registry.probing import Probed
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.incidents import IncidentModel
from app.web.guards import current_actor, require_role
from app.web.pages import live
from app.web.pages.models import listing, paging
from app.web.pages.models.listing import ModelSearch

blueprint = Blueprint("bulk", __name__, url_prefix="/bulk")

AT_MOST = 500
SIDE_BY_SIDE = 4
ACTIONS: dict[str, str] = {
    "probe": "Probe again",
    "enable": "Enable",
    "disable": "Disable",
    "export": "Export",
    "delete": "Delete…",
}
"""The actions on selected models."""


@blueprint.get("")
@require_role("viewer")
def nothing_sent() -> BaseResponse:
    """A browser that reloads or opens the address of an action is led to the list."""
    return redirect(url_for("models.index"), 303)


@blueprint.post("")
@require_role("editor")
def act() -> BaseResponse | str | tuple[str, int]:
    """Run the chosen action on the selected models; deleting asks first."""
    models, chosen = _ticked(), request.form.get("do", "")
    if not models:
        flash("Select at least one model first.", "warn")
        return redirect(_back(), 303)
    if chosen == "export":
        return _exported(models)
    if chosen == "delete" and request.form.get("sure") != "yes":
        return render_template("models/bulk_delete.html", models=models, search=_search())
    if chosen == "probe":
        return _probed(models)
    return _done(models, chosen)


def _done(models: list[RegisteredModel], chosen: str) -> BaseResponse:
    steps: dict[str, tuple[Callable[[str], Any], str]] = {
        "enable": (lambda id: _switch(id, True), "enabled"),
        "disable": (lambda id: _switch(id, False), "disabled"),
        "delete": (lambda id: changes.remove(id, current_actor()), "deleted"),
    }
    if chosen not in steps:
        raise ApiError("bad_request", "Choose an action for the models.")
    step, word = steps[chosen]
    done = sum(_done_to(step, id) for id in [model.id for model in models])
    gone = len(models) - done
    told = f" {gone} had already been deleted." if gone else ""
    flash(f"{done} model{'' if done == 1 else 's'} {word}.{told}", "warn" if gone else "ok")
    return redirect(_back(), 303)


def _done_to(step: Callable[[str], Any], id: str) -> bool:
    """Run it on one model; False where it has been deleted in the meantime."""
    try:
        step(id)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


def _switch(id: str, enabled: bool) -> None:
    changes.set_enabled(id, current_actor(), enabled=enabled)


def _exported(models: list[RegisteredModel]) -> Response:
    wanted = FORMATS.get(request.form.get("format", "json"))
    if wanted is None:
        raise ApiError("bad_request", f"Choose one of these formats: {', '.join(FORMATS)}.")
    oldest_first = sorted(models, key=lambda model: model.id)
    told = {"format": wanted.file, "count": len(models)}
    audit.record_now(current_actor(), "model.exported", detail=told)
    response = Response(wanted.make(oldest_first), content_type=wanted.content_type)
    response.headers.set("Content-Disposition", "attachment", filename=wanted.file)
    return response


def _probed(models: list[RegisteredModel]) -> BaseResponse | str:
    named = [(model.id, model.display_name) for model in models]
    lines = _probing(named)
    if live.wants_stream():
        return live.stream(lines)
    last = live.last_of(lines)
    flash(last["summary"], last["tone"])
    return redirect(last["location"], 303)


def _probing(named: list[tuple[str, str]]) -> Iterator[live.Line]:
    """A line as each probe begins and ends, four side by side; the last says how it went."""
    app, actor, words = current_app._get_current_object(), current_actor(), dict(named)  # type: ignore[attr-defined]
    good = 0
    with live.watching() as left, ThreadPoolExecutor(SIDE_BY_SIDE, "bulk") as pool:
        futures = {pool.submit(_probe_one, app, id, actor, left): id for id, _ in named}
        for id, name in named:
            yield live.row(id, name, "running")
        for future in as_completed(futures):
            status, took, note = future.result()
            good += status == "passed"
            yield live.row(futures[future], words[futures[future]], status, took, note)
    summary = f"{good} of {len(named)} probes accepted."
    yield {
        "event": "end",
        "location": _back(),
        "label": "Back to the incident" if request.form.get("incident") else "Back to the list",
        "summary": summary,
        "tone": "ok" if good == len(named) else "bad",
    }


def _probe_one(app: Any, id: str, actor: Actor, left: Cancellation) -> tuple[str, int | None, str]:
    """Probe one model in a thread with a session of its own: status, milliseconds, a note."""
    with app.app_context():
        if left.is_set():
            return "skipped", None, "Not begun."
        model = RegisteredModel.by_id(id)
        if model is None:
            return "skipped", None, "It has been deleted in the meantime."
        try:
            # One of its own: a probe sets what it was given when it ends.
            mine = Cancellation(left)
            end = registration.drain(registration.reprobe(model, actor, cancelled=mine))
        except ApiError as error:
            return "failed", None, error.message
        assert isinstance(end, Probed)
        report = end.report
        if report["verdict"] == "accepted":
            return "passed", report["duration_ms"], "Accepted."
        return "failed", report["duration_ms"], report["diagnosis"]["message"]


def _search() -> ModelSearch:
    """The search that the models were ticked in."""
    return listing.of_query(request.form.get("back", ""))


def _back() -> str:
    """The incident that it was begun from, or the list as it was left: its filters, its order, its page."""
    incident = request.form.get("incident", "")
    return url_for("incidents.detail", id=incident) if incident else _search().here


def _ticked() -> list[RegisteredModel]:
    incident = request.form.get("incident", "")
    ids = IncidentModel.down_with(incident) if incident else request.form.getlist("id")
    ids = ids[:AT_MOST]
    if request.form.get("matching") == "yes":
        ids = paging.ids_of(_search(), AT_MOST)
    query = select(RegisteredModel).where(RegisteredModel.id.in_(ids)).order_by(RegisteredModel.id.desc())
    return list(db.session.scalars(query)) if ids else []
