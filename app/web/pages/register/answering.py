"""What happens when the form is sent, for a new model and for a change: probe, save, report.

A browser without scripts waits for the resulting page. One with scripts sends the same form to the
same address, asks for `application/x-ndjson`, and gets each event of the probe as a line; the last line says
where to go, or holds the page's new middle part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.registry import changes, registration
from app.registry.declared.labels import set_labels
from app.registry.declared.price_catalogue import ListedPrices
from app.registry.document import rfc3339
from app.registry.endpoints.catalog import OfferedModel, type_of
from app.registry.endpoints.rows import count_models
from app.registry.probing import Probed, Registered, Rejected, Updated
from app.store.base import new_id
from app.store.labels import labels_of
from app.store.models import RegisteredModel
from app.web.guards import current_actor
from app.web.pages import check_rows, display, live, search
from app.web.pages.models import costly
from app.web.pages.register import held_keys, layout, outcome, presets, submission
from app.web.pages.register.outcome import Outcome
from app.web.pages.register.submission import Submission

CHANGED_MEANWHILE = (
    "Someone changed this model after you opened this page. Reload the page and make your change again."
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the form is for, in the words of the page."""

    title: str
    note: str
    url: str
    button: str
    back: str


def answer(tried: Submission) -> Response | tuple[str, int]:
    """Do what the form asks: 303 to the model, or the filled form with a message."""
    if tried.action in ("preset", "look", "type", "prices"):
        return _filled_in(tried)
    lines = _lines(tried)
    if live.wants_stream():
        return live.stream(_with_page(tried, line) for line in lines)
    last = live.last_of(lines)
    if "location" in last:
        return redirect(last["location"], 303)
    return page(tried, last["outcome"]), last["outcome"].status


def page(tried: Submission, came: Outcome = outcome.NOTHING) -> str:
    """The form with the outcome."""
    return render_template("register/form.html", **_context(tried, came))


def _filled_in(tried: Submission) -> Response | tuple[str, int]:
    """Nothing is probed: a preset was put in place, or the endpoint's list of models fetched."""
    came = outcome.NOTHING
    if tried.action == "look" and not tried.take_a_look():
        came = outcome.invalid(tried)
    if tried.action == "prices":
        tried.take_prices()
    if request.accept_mimetypes.best == "application/json":
        return jsonify(_offered(tried, came))
    tried.keep_key(current_actor().id)
    return page(tried, came), 200


def _offered(tried: Submission, came: Outcome) -> dict[str, Any]:
    offers = [
        {
            "id": offer.id,
            "label": display.offer_words(offer),
            "values": _values_of(offer),
            "listed": _listed(offer),
        }
        for offer in tried.look.offers
    ]
    return {"offers": offers, "problem": tried.look.problem or " ".join(came.troubles.values())}


def _listed(offer: OfferedModel) -> dict[str, Any] | None:
    """What the price catalogue has beyond what the endpoint says."""
    values = {name: offer.values[name] for name in sorted(offer.listed)}
    if not values:
        return None
    listed = ListedPrices(values, offer.source)
    return {"values": values, "source": listed.source, "words": display.listed_words(listed)}


def _values_of(offer: OfferedModel) -> dict[str, str]:
    """What the endpoint says of it, and the type that the id points to where it says none."""
    kind = offer.values.get("model_type") or type_of(offer.id)
    return {**offer.stated, **({"model_type": kind} if kind else {})}


def _lines(tried: Submission) -> Iterator[live.Line]:
    """Every event of the attempt as a line; the last has `location` or `outcome`."""
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


def _events(tried: Submission, left: Cancellation) -> Iterator[Any]:
    actor, values = current_actor(), tried.values()
    asked: dict[str, Any] = {"strict": tried.strict, "depth": tried.depth, "cancelled": left}
    if tried.action == "validate":
        return registration.validate(values, actor, **asked)
    if tried.model is None:
        return registration.register(values, actor, trial=tried.trial, **asked)
    return _change(tried, tried.model, asked)


def _change(tried: Submission, model: RegisteredModel, asked: dict[str, Any]) -> Iterator[Any]:
    """The change of the model, then of its labels, which need no probe."""
    actor, id, wanted = current_actor(), model.id, tried.changes()
    labels = tried.labels.read()
    tried.unchanged = not wanted and labels_of(id) == labels
    for event in changes.update(
        model, wanted, actor, still=_unchanged(tried), move_key=tried.move_key, **asked
    ):
        if isinstance(event, Updated):
            set_labels(id, labels, actor)
        yield event


def _unchanged(tried: Submission) -> Any:
    """Stops a change made on a page that is older than the model."""

    def still(model: RegisteredModel) -> None:
        if rfc3339(model.updated) != tried.seen:
            raise ApiError("conflict", CHANGED_MEANWHILE)

    return still


def _line(tried: Submission, event: Any) -> live.Line | None:
    if isinstance(event, Registered | Updated):
        return _done(tried, event.model_id)
    if isinstance(event, Rejected):
        return _end(tried, outcome.rejected(tried, event.report))
    if isinstance(event, Probed):
        return _end(tried, outcome.probed(tried, event.report, event.trial))
    return live.line_of(event)


def _done(tried: Submission, model_id: str) -> live.Line:
    if tried.held:
        held_keys.drop(tried.held.id)
    done = ("same" if tried.unchanged else "changed") if tried.model else "registered"
    return {"event": "end", "location": url_for("models.detail", id=model_id, done=done)}


def _refused(tried: Submission, error: ApiError) -> live.Line:
    """A form that was sent twice ends where its first sending ended; anything else is said above the form."""
    existing = None
    if error.code == "already_exists":
        form = tried.form
        wanted = (form.model_id.data, form.base_url.data, form.model_type.data)
        existing = RegisteredModel.same_as(*(text or "" for text in wanted))
    if tried.repeated and existing and existing.created_by == current_actor().label:
        return _done(tried, existing.id)
    return _end(tried, outcome.refused(tried, error, existing))


def _end(tried: Submission, came: Outcome) -> live.Line:
    tried.keep_key(current_actor().id)
    return {"event": "end", "outcome": came}


def _with_page(tried: Submission, line: live.Line) -> live.Line:
    """The last line of a stream holds the page's new middle part in place of the outcome."""
    if "outcome" not in line:
        return line
    html = render_template("register/_form.html", streamed=True, **_context(tried, line["outcome"]))
    return {"event": "end", "html": html}


def _context(tried: Submission, came: Outcome) -> dict[str, Any]:
    base_url = tried.form.base_url.data or ""
    capabilities = came.report["capabilities"] if came.report else {}
    return {
        "tried": tried,
        "nonce": new_id(),
        "form": tried.form,
        "purpose": _purpose(tried),
        "sharing": count_models(tried.model.endpoint) - 1 if tried.model else 0,
        "probe_price": costly.price_of_next(tried.model) if tried.model else "",
        "sections": layout.shown(tried.form, {*came.troubles, *tried.adopted}),
        "regions": search.regions()[:30],
        "outcome": came,
        "troubles": came.troubles,
        "report": came.report,
        "check_rows": check_rows.check_rows(base_url, came.report, capabilities, keyed=tried.keyed),
        "shown_key": submission.shown_key(tried.form),
        "preset_groups": presets.groups(),
        "sample": display.sample_cost(tried.form.input_cost.data, tried.form.output_cost.data),
    }


def _purpose(tried: Submission) -> Purpose:
    if tried.model is not None:
        return Purpose(
            f"Change “{tried.model.display_name}”",
            "A new base URL, key, model id or type is probed first. Until that succeeds, nothing changes.",
            url_for("register.change", id=tried.model.id),
            "Save the change",
            url_for("models.detail", id=tried.model.id),
        )
    return Purpose(
        "Register a model",
        "Muster probes the endpoint with this key and model id, and registers the model only if it works.",
        url_for("register.create"),
        "Probe and register",
        url_for("models.index"),
    )
