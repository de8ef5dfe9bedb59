"""A model's probes over time: a line for each with what changed, and the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from markupsafe import Markup
from sqlalchemy import select

from app.store.base import db
from app.store.probes import Probe
from app.watch import drift, summary
from app.web.pages import display
from app.web.pages.models import charts
from app.web.pages.models.charts import Hour, Point

SHOWN = 20
_SHOWN_HOURS = timedelta(days=7)
MEASURED = 100
CURVES: tuple[tuple[str, str, str], ...] = (
    ("Whole probe", "duration_ms", "ms"),
    ("First token", "first_token_ms", "ms"),
    ("Speed", "output_tokens_per_s", " tokens/s"),
)
"""Title, name of the value and unit of each curve."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One probe of the timeline and what differed from the one before; `first` has none before it."""

    probe: Probe
    differences: Sequence[str]
    first: bool


def timeline(probes: Sequence[Probe]) -> list[Entry]:
    """The probes as they are given, newest first, each beside the one before it."""
    earlier = [*probes, None][1:]
    return [
        Entry(probe, differences(probe.report, before.report) if before else (), before is None)
        for probe, before in zip(probes, earlier, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """How long a model has been up or down: since `since`, or longer if `longer`."""

    since: datetime
    longer: bool


def standing(entries: Sequence[Entry]) -> Standing | None:
    """Since when the verdict is what it is, as far as the timeline goes; None without probes."""
    if not entries:
        return None
    verdict = entries[0].probe.verdict
    *_, begun = takewhile(lambda entry: entry.probe.verdict == verdict, entries)
    return Standing(begun.probe.started, longer=begun is entries[-1] and not begun.first)


def last_change(entries: Sequence[Entry]) -> Entry | None:
    """The newest probe of the timeline that differed from the one before it."""
    return next((entry for entry in entries if entry.differences), None)


def differences(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What changed from one report to the next, in words: the verdict, the diagnosis, capabilities, and
    whatever else the watch tells of as drift.
    """
    told: list[str] = []
    if now["verdict"] != before["verdict"]:
        told.append(f"{before['verdict']} → {now['verdict']}")
    code, old_code = _code(now), _code(before)
    if code and code != old_code:
        told.append(code)
    if now["verdict"] == before["verdict"] == "accepted":
        told += _capabilities(now["capabilities"], before["capabilities"])
        told += [_changed(one) for one in drift.changes(before, now) if one.kind != "capability"]
    return told


def _changed(one: drift.Change) -> str:
    name = _NAMES.get(one.name, display.label_of(one.name))
    named = f"Price, {name}" if one.kind == "price" else name
    return f"{named}: {display.as_text(one.before)} → {display.as_text(one.after)}"


_NAMES: Mapping[str, str] = {"answered_by": "Answers as", "listed": "In the list of models"}


def last_probes(model_pk: str) -> list[Probe]:
    """The probes of the timeline and one more, newest first."""
    return Probe.of_model(model_pk, SHOWN + 1)


def last_repeated(model_pk: str) -> Probe | None:
    """The newest probe that a person started to repeat checks; None where there is none."""
    query = select(Probe).where(
        Probe.model_pk == model_pk,
        Probe.trigger == "manual",
        Probe.report["reliability"].as_string().is_not(None),
    )
    return db.session.scalars(query.order_by(Probe.id.desc()).limit(1)).first()


def curves(model_pk: str) -> list[tuple[str, Markup]]:
    """A chart for each value that at least two accepted probes of a model measured, with the rejected ones.

    Only the numbers are read: a report is long, and there may be thousands.
    """
    query = select(Probe.started, Probe.verdict, Probe.duration_ms, Probe.report["performance"])
    newest = query.where(Probe.model_pk == model_pk).order_by(Probe.id.desc()).limit(MEASURED)
    rows = list(reversed(db.session.execute(newest).all()))
    made = []
    for title, name, unit in CURVES:
        points = [
            Point(at, None if verdict == "rejected" else value)
            for at, verdict, took, measured in rows
            if (value := took if name == "duration_ms" else (measured or {}).get(name)) is not None
            or verdict == "rejected"
        ]
        chart = charts.line(title, unit, points)
        if chart:
            made.append((title, chart))
    return made


def hours_of(model_pk: str, moment: datetime) -> list[Hour]:
    """What looks saw in each of the last seven days' hours, the oldest first."""
    rows = summary.history_of(model_pk, moment - _SHOWN_HOURS, moment, "hour")
    return [
        Hour(datetime.fromisoformat(row["at"]), row["p95"], row["failures"], row["checks"]) for row in rows
    ]


def _capabilities(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    told = []
    for name, row in now.items():
        new, old = row["observed"], before.get(name, {}).get("observed")
        if new is not None and old is not None and new != old:
            told.append(f"{display.label_of(name)}: {display.as_text(old)} → {display.as_text(new)}")
    return told


def _code(report: Mapping[str, Any]) -> str:
    return report["diagnosis"]["code"].replace("_", " ") if report.get("diagnosis") else ""
