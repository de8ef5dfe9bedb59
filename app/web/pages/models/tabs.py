"""The page of one model in parts, each with an address of its own: what each of them shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for

from app.probe.model_types import MODEL_TYPES
from app.registry import clients
from app.registry.declared import price_catalogue
from app.registry.document import document
from app.registry.endpoints.rows import count_models
from app.registry.exchange import artefacts
from app.registry.exchange.first_call import is_keyed
from app.registry.playground import ROUTES
from app.store.base import now
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.incidents import Incident
from app.watch import summary
from app.watch.identity.side_by_side import COMPARABLE
from app.watch.identity.told import events_of, identity_of
from app.web.guards import current_actor
from app.web.pages import check_rows, display
from app.web.pages.incidents import words
from app.web.pages.models import charts, costly, facts, history, listing
from app.web.pages.watch import health

TRIGGERS = {
    "registration": "at registration",
    "update": "when it was changed",
    "manual": "started by hand",
    "watch": "while it was watched",
}

INCIDENTS = 20
"""How many incidents the history of a model shows."""

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
    "same": "Nothing was changed: the form says what the model had already.",
    "probed": "Probed again; the result is below.",
    "repeated": "Tried many times; the result is below, under Reliability.",
}
"""What `?done=` says at the top: a stream can't leave a message in the session, so it stands in the URL."""

ENDPOINTS: Mapping[str, str] = {
    "models.detail": "Overview",
    "models.checks": "Checks",
    "models.history": "History",
    "models.use": "Use",
    "models.as_document": "Document",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the page, and whether it is the one that is shown."""

    label: str
    url: str
    current: bool


def head(model: RegisteredModel) -> dict[str, Any]:
    """What stands above every part: state, reason, since when, price, context, capabilities."""
    probe = _last_probe(model)
    kind = MODEL_TYPES.get(model.model_type)
    made = document(model)
    return {
        "model": model,
        "document": made,
        "health": health.shown([model], now())[model.id],
        "cost": listing.cost_of(model),
        "window": listing.window_of(model),
        "chips": listing.chips_of(model.capabilities or {}),
        "probe": probe,
        "report": probe.report if probe else None,
        "probe_price": costly.price_of_last(model, probe.report) if probe else "",
        "keyed": is_keyed(model),
        "may_edit": current_actor().may("write"),
        "may_repeat": bool(kind and kind.repeatable),
        "may_compare": model.model_type in COMPARABLE,
        "done": DONE.get(request.args.get("done", "")),
        "tabs": [
            Tab(label, url_for(endpoint, id=model.id), endpoint == request.endpoint)
            for endpoint, label in ENDPOINTS.items()
        ],
    }


def overview(model: RegisteredModel) -> dict[str, Any]:
    """What it can do and how it is called, where it is served, how it stands."""
    entries = _entries(model)
    return {
        "first_call": artefacts.labelled(model, ("python", "curl")),
        "abilities": _abilities(model),
        "works_with": clients.works_with(model.model_type, model.capabilities or {}),
        "price_remarks": price_catalogue.remarks(model),
        "standing": history.standing(entries),
        "known": _known(model),
        "pace": summary.pace_of(model, now()),
        "told_at": summary.told_at(model),
        "evidence": EVIDENCE,
        "sharing": count_models(model.endpoint) - 1,
        "incidents": words.told(Incident.open_of_models([model.id])),
        "last_change": history.last_change(entries),
    }


def _known(model: RegisteredModel) -> dict[str, Any]:
    """Uptime, latency and cost as the API tells them."""
    told = summary.health_of(model, now())
    periods = (("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"), ("90 days", "90d"))
    return told | {"uptimes": [(label, told["uptime"][name]) for label, name in periods]}


def checks(model: RegisteredModel) -> dict[str, Any]:
    """What the last probe asked and saw."""
    probe = _last_probe(model)
    return {
        "trigger_words": TRIGGERS.get(probe.trigger, probe.trigger) if probe else "",
        "check_rows": rows_of(model, probe),
        "repeated": history.last_repeated(model.id),
        "error_words": costly.error_words,
        "call_url": lambda name: url_for("models.call", id=model.id, name=name),
    }


def call(model: RegisteredModel, name: str) -> dict[str, Any]:
    """One check of the last probe, with the command that repeats it; 404 where there is none."""
    probe = _last_probe(model)
    found = [row for row in rows_of(model, probe) if row.check and row.check["name"] == name and row.curl]
    return {"row": found[0]} if found else abort(404)


def past(model: RegisteredModel) -> dict[str, Any]:
    """Its probes and its incidents over time."""
    identity = identity_of(model)
    pairs = [tuple(one.values()) for one in identity["distributions"]]
    return {
        "timeline": _entries(model),
        "incidents": words.told(Incident.last_of_model(model.id, INCIDENTS)),
        "curves": history.curves(model.id),
        "hours": charts.hours("Looks, by the hour", history.hours_of(model.id, now())),
        "triggers": TRIGGERS,
        "identity": identity,
        "identity_events": events_of(model),
        "identity_chart": charts.pairs("How often each is the answer", pairs),
    }


def use(model: RegisteredModel) -> dict[str, Any]:
    """What can be copied, and a box to try it."""
    may_try = current_actor().may("write") and model.model_type in ROUTES
    return {
        "artefacts": artefacts.labelled(model),
        "may_try": may_try,
        "texts": ("", ""),
        "limit": 512,
    }


def as_document(model: RegisteredModel) -> dict[str, Any]:
    """The document by sections."""
    made = document(model)
    return {"sections": facts.sections_of(model, made), "parameters": made["parameters"]}


PARTS: Mapping[str, Callable[[RegisteredModel], dict[str, Any]]] = {
    "detail": overview,
    "checks": checks,
    "history": past,
    "use": use,
    "as_document": as_document,
}
"""What each part shows beside the head, by the name of its template."""


def rows_of(model: RegisteredModel, probe: Probe | None) -> list[check_rows.CheckRow]:
    """The checks of a probe of this model."""
    report, told = probe.report if probe else None, model.capabilities or {}
    return check_rows.check_rows(model.base_url, report, told, keyed=is_keyed(model))


def _last_probe(model: RegisteredModel) -> Probe | None:
    return Probe.by_id(model.last_probe_id) if model.last_probe_id else None


def _entries(model: RegisteredModel) -> list[history.Entry]:
    return history.timeline(history.last_probes(model.id))[: history.SHOWN]


def _abilities(model: RegisteredModel) -> Sequence[tuple[str, str]]:
    """Label and state of each capability that was declared or seen."""
    return [
        (display.label_of(name), _state(told))
        for name, told in (model.capabilities or {}).items()
        if told["observed"] is not None or told["declared"] is not None
    ]


def _state(told: Mapping[str, Any]) -> str:
    if told["observed"] is None:
        return "inconclusive"
    return "yes" if told["observed"] else "contradicted" if told["declared"] else "no"
