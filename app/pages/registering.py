"""The form that lets a model in: shown, sent, and watched while the probe runs.

A browser without scripts waits for the page that comes of it. One with scripts sends the same form to the
same address, asks for `application/x-ndjson`, and gets each event of the probe as a line; the last line says
where to go, or holds the page's new middle part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app import registration
from app.access import current_actor, require_role
from app.errors import ApiError
from app.models import RegisteredModel, now
from app.pages import attempt, facts, heldkeys, hints, live, outcome, presets
from app.pages.attempt import Attempt
from app.pages.outcome import Outcome
from app.registration import Probed, Registered, Rejected

blueprint = Blueprint("registering", __name__, url_prefix="/models/new")

DOUBLE_CLICK = timedelta(minutes=2)


@blueprint.get("")
@require_role("editor")
def new() -> str:
    """The empty form; `?preset=NAME` fills in what is known of a server."""
    return _page(attempt.blank(request.args), outcome.NOTHING)


@blueprint.post("")
@require_role("editor")
def create() -> BaseResponse | tuple[str, int]:
    """Probe, and register what was seen working: 303 to the model, or the filled form with what is wrong."""
    tried = attempt.read(request.form, current_actor().id)
    if tried.action == "preset":
        tried.keep_key(current_actor().id)
        return _page(tried, outcome.NOTHING), 200
    lines = _lines(tried)
    if live.is_wanted():
        return live.stream(_with_page(tried, line) for line in lines)
    last = live.last_of(lines)
    if "location" in last:
        return redirect(last["location"], 303)
    return _page(tried, last["outcome"]), last["outcome"].status


def _lines(tried: Attempt) -> Iterator[live.Line]:
    """Every event of the attempt as a line; the last has `location` or `outcome` (with its `html`)."""
    if not tried.is_valid():
        yield _end(tried, outcome.invalid(tried))
        return
    try:
        with live.watching() as left:
            for event in _events(tried, left):
                line = _line(tried, event)
                if line is not None:
                    yield line
    except ApiError as error:
        yield _refused(tried, error)


def _events(tried: Attempt, left: Event) -> Iterator[Any]:
    values, actor = tried.form.values(), current_actor()
    run = registration.validate if tried.action == "validate" else registration.register
    return run(values, actor, strict=tried.strict, depth=tried.depth, cancelled=left)


def _line(tried: Attempt, event: Any) -> live.Line | None:
    if isinstance(event, Registered):
        return _done(tried, event.model_id)
    if isinstance(event, Rejected):
        return _end(tried, outcome.rejected(tried, event.report))
    if isinstance(event, Probed):
        return _end(tried, outcome.probed(tried, event.report))
    return live.line_of(event)


def _done(tried: Attempt, model_id: str) -> live.Line:
    if tried.held:
        heldkeys.drop(tried.held.id)
    return {"event": "end", "location": url_for("models.detail", id=model_id, done="registered")}


def _refused(tried: Attempt, error: ApiError) -> live.Line:
    """A form that was sent twice ends where its first sending ended; anything else is said above the form."""
    existing = None
    if error.code == "already_exists":
        form = tried.form
        wanted = (form.model_id.data, form.base_url.data, form.model_type.data)
        existing = RegisteredModel.same_as(*(text or "" for text in wanted))
    if existing and existing.created_by == current_actor().label and existing.created > now() - DOUBLE_CLICK:
        return _done(tried, existing.id)
    return _end(tried, outcome.refused(tried, error, existing))


def _end(tried: Attempt, came: Outcome) -> live.Line:
    tried.keep_key(current_actor().id)
    return {"event": "end", "outcome": came}


def _with_page(tried: Attempt, line: live.Line) -> live.Line:
    """The last line of a stream holds the page's new middle part in place of the outcome."""
    if "outcome" not in line:
        return line
    html = render_template("models/_form.html", streamed=True, **_context(tried, line["outcome"]))
    return {"event": "end", "html": html}


def _page(tried: Attempt, came: Outcome) -> str:
    return render_template("models/form.html", **_context(tried, came))


def _context(tried: Attempt, came: Outcome) -> dict[str, Any]:
    key, base_url = tried.form.api_key.data, tried.form.base_url.data or ""
    capabilities = came.report["capabilities"] if came.report else {}
    return {
        "form": tried.form,
        "sections": hints.SECTIONS,
        "outcome": came,
        "troubles": came.troubles,
        "suggestions": came.suggestions,
        "report": came.report,
        "check_rows": facts.check_rows(base_url, came.report, capabilities, keyed=bool(key)),
        "held": tried.held,
        "shown_key": attempt.shown_key(tried.form),
        "options": tried.options,
        "preset_groups": presets.groups(),
        "chosen": tried.preset,
    }
