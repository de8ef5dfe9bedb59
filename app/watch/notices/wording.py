"""What people read: a title and a few lines, without any key: the words of endpoints were cleaned before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.probe.diagnosis.codes import CODES

_TITLES: Mapping[str, str] = {
    "incident.opened": "Down: {what}",
    "incident.resolved": "Up again: {what}",
    "incident.reminder": "Still down: {what}",
    "model.degraded": "Degraded: {what}",
    "model.recovered": "Recovered: {what}",
    "model.changed": "Changed: {what}",
    "price.changed": "Another price: {what}",
    "key.expiring": "A key is about to end: {what}",
    "certificate.expiring": "A certificate is about to end: {what}",
    "test": "A test from Muster",
}
_ENDED: Mapping[str, str] = {
    "key.expiring": "A key has ended: {what}",
    "certificate.expiring": "A certificate has ended: {what}",
}
_ON_COMPLAINTS: Mapping[str, str] = {
    "unsteady": "See what each look saw; if the endpoint sheds load, send callers elsewhere.",
    "slow": "See how busy the endpoint is; callers that can't wait need another model meanwhile.",
    "capability_lost": "Ask who runs the endpoint what changed; callers that need it need another model.",
    "other_model": "If that is meant to be, probe it again by hand; else ask who runs the endpoint.",
    "other_dimensions": "New vectors don't go with stored ones: store none, and ask which model answers.",
}
_ON_NEWS: Mapping[str, str] = {
    "model.changed": "See the model's history; if it is meant to be, tell who relies on the model.",
    "price.changed": "Compare it with the registered price, and change that where the new one is right.",
    "key.expiring": "Have a new one made, and give it to whoever uses this one.",
    "certificate.expiring": "Have it renewed before clients refuse to connect.",
}
_MOST_NAMES = 5


def title_of(body: Mapping[str, Any]) -> str:
    """One line."""
    told = body["data"]
    titles = _ENDED if body["type"] in _ENDED and not told["days_left"] else _TITLES
    if told.get("unwatched"):
        return f"Over, for nobody watches it any more: {_what(told)}"
    return titles.get(body["type"], "{what}").format(what=_what(told))


def text_of(body: Mapping[str, Any]) -> str:
    """The lines below it: what, since when, whose, why in the endpoint's words, what to do, a link."""
    told = body["data"]
    if body["type"] == "test":
        return "This channel works. Muster tells here what goes wrong with the models that it watches."
    lines = [
        _names(told),
        _since(told),
        _whose(told),
        _why(told),
        _advice(body["type"], told),
        told.get("link"),
    ]
    return "\n".join(line for line in lines if line)


def _what(told: Mapping[str, Any]) -> str:
    models = told.get("models") or []
    for one in ("model", "token"):
        if one in told:
            return str(told[one]["name"])
    name = (told.get("endpoint") or {}).get("name") or "Muster"
    if "ends" in told:
        return str(name)
    if len(models) == 1:
        return str(models[0]["name"])
    return f"{name} ({len(models)} models)" if models else str(name)


def _names(told: Mapping[str, Any]) -> str:
    names = [model["name"] for model in told.get("models") or []]
    more = len(names) - _MOST_NAMES
    return (
        ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "") if len(names) > 1 else ""
    )


def _since(told: Mapping[str, Any]) -> str:
    begin, end = told.get("opened") or told.get("since"), told.get("resolved")
    if not begin:
        return ""
    return f"From {_minute(begin)} to {_minute(end)}." if end else f"Since {_minute(begin)}."


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _whose(told: Mapping[str, Any]) -> str:
    owners = told.get("owners") or []
    return f"Owner{'s' if len(owners) > 1 else ''}: {', '.join(owners)}." if owners else ""


def _why(told: Mapping[str, Any]) -> str:
    why = str(told.get("message") or "")
    return f"It was: {why}" if why and told.get("resolved") else why


def _advice(news: str, told: Mapping[str, Any]) -> str:
    if "often" in told:
        return (
            f"It is outage number {told['often']} within an hour: from now on you hear of one only once it "
            "has lasted a quarter of an hour. See what takes it down again and again."
        )
    if news in ("incident.opened", "incident.reminder", "model.degraded"):
        code = str(told.get("code"))
        return CODES[code].help if code in CODES else _ON_COMPLAINTS.get(code, "")
    return _ON_NEWS.get(news, "")
