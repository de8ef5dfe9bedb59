"""Registering many models of one endpoint: URL and key once, its own list, ticks, and several probes at once.

A browser without scripts waits for the resulting page; one with scripts sends the same form to the same
address, asks for `application/x-ndjson`, and gets a line as each probe begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import config
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.registry.declared.price_catalogue import source
from app.registry.endpoints import intake
from app.registry.probing import ProbeOrder
from app.store.base import new_id
from app.web.guards import current_actor, require_role
from app.web.pages import live
from app.web.pages.endpoints import choosing, reading, stopping
from app.web.pages.endpoints.choosing import Batch
from app.web.pages.endpoints.finding import found

blueprint = Blueprint("many", __name__)


@blueprint.get("/new")
@require_role("editor")
def new() -> str:
    """A field for the URL and one for the key."""
    return _page(reading.blank())


@blueprint.post("/new")
@require_role("editor")
def create() -> Response | tuple[str, int]:
    """Show the list of a new endpoint, or register what was ticked of it."""
    return _answer(reading.read(request.form))


@blueprint.get("/<id>/models")
@require_role("editor")
def choose(id: str) -> str:
    """The same for an endpoint that is there; asking for its list takes a click."""
    return _page(reading.blank(found(id)))


@blueprint.post("/<id>/models")
@require_role("editor")
def add(id: str) -> Response | tuple[str, int]:
    """Show the list of this endpoint, or register what was ticked of it, with its stored key."""
    return _answer(reading.read(request.form, found(id)))


@blueprint.post("/models/stop")
@require_role("editor")
def stop() -> tuple[str, int]:
    """Cancel one probe of a sending that is watched: `batch` is its name, `place` the model's."""
    place = request.form.get("place", type=int)
    batch = request.form.get("batch", "")
    if place is None or not 0 <= place < choosing.AT_MOST or not 0 < len(batch) <= stopping.LONGEST:
        raise ApiError("bad_request", "Say which probe is to be cancelled.")
    stopping.mark(batch, place, current_actor().id)
    return "", 204


def _answer(batch: Batch) -> Response | tuple[str, int]:
    if batch.action == "save":
        lines = _lines(batch)
        if live.wants_stream():
            return live.stream(_with_page(batch, line) for line in lines)
        last = live.last_of(lines)
        if "location" in last:
            return redirect(last["location"], 303)
        return _page(batch), 400
    good = batch.take_a_look()
    if batch.action == "all":
        batch.tick_all()
    batch.keep_key()
    return _page(batch), 200 if good else 400


def _lines(batch: Batch) -> Iterator[live.Line]:
    """A line as each probe begins and ends; the last has `location` where all got in, else only says so."""
    try:
        if batch.within_this_context().is_valid():
            yield from _probing(batch)
    except ApiError as error:
        batch.problem = error.message
    batch.keep_key()
    if batch.is_done:
        batch.drop_key()
        done = len(batch.registered)
        yield {"event": "end", "location": url_for("endpoints.detail", id=batch.place(), registered=done)}
        return
    yield {"event": "end"}


def _probing(batch: Batch) -> Iterator[live.Line]:
    models = batch.models()
    with live.watching() as left:
        order = ProbeOrder(current_actor(), depth="proof" if batch.proof_only else "full", cancelled=left)
        target, key = batch.target(order)
        stops = [Cancellation(left) for _ in models]
        for at, values in enumerate(models):
            yield live.row(f"model-{at}", values["model_id"], "running", place=at)
        with stopping.watching(batch.name, current_actor().id, stops):
            for at, result in intake.adding(target, key, models, order, stops=stops):
                batch.note(result)
                status = "failed" if result.outcome == "rejected" else "passed"
                took = result.report["duration_ms"] if result.report else None
                yield live.row(f"model-{at}", result.model_id, status, took, choosing.words_of(result))


def _with_page(batch: Batch, line: live.Line) -> live.Line:
    if line["event"] != "end" or "location" in line:
        return line
    return {"event": "end", "html": render_template("endpoints/_many.html", streamed=True, **_context(batch))}


def _page(batch: Batch) -> str:
    return render_template("endpoints/many.html", **_context(batch))


def _context(batch: Batch) -> dict[str, Any]:
    to = url_for("endpoints.many.add", id=batch.endpoint.id) if batch.endpoint else None
    url = to or url_for("endpoints.many.create")
    return {
        "batch": batch,
        "url": url,
        "types": choosing.TYPES,
        "name": new_id(),
        "catalogue": source(),
        "allowed_proxies": config.settings().endpoint_proxies,
    }
