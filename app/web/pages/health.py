"""The health of models as pages show it: state, since when, why, 24 hours as bars, whether it is stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from app.store.models import RegisteredModel
from app.watch import summary
from app.watch.day import Day, Hour, days_of
from app.web.pages import display

_BAR, _GAP, _HIGH = 4, 1, 18
_WORDS = {"up": "up", "unsteady": "some looks failed", "down": "down", "unknown": "not looked at"}


@dataclass(frozen=True, slots=True)
class Shown:
    """The health of one model. `state` is what was last seen, also where it is `stale`."""

    state: str
    stale: bool
    since: datetime | None
    reason: str
    day: Day

    @property
    def bars(self) -> Markup:
        """The last 24 hours, a bar each, oldest first."""
        return bars(self.day.hours)


def shown(models: Sequence[RegisteredModel], now: datetime) -> Mapping[str, Shown]:
    """The health of each of these models by its id, read in a few queries for all of them."""
    days = days_of([model.id for model in models], now)
    return {model.id: _shown(model, days[model.id], now) for model in models}


def bars(hours: Sequence[Hour]) -> Markup:
    """Hours as bars that differ in height, gap and colour; "" where nobody looked in any of them."""
    if all(hour.state == "unknown" for hour in hours):
        return Markup("")
    drawn = Markup("").join(_bar(place, hour) for place, hour in enumerate(hours))
    label, width = _label(hours), len(hours) * (_BAR + _GAP)
    return Markup(
        '<svg class="day" role="img" aria-label="{0}" width="{1}" height="{2}" '
        'viewBox="0 0 {1} {2}">{3}</svg>'
    ).format(label, width, _HIGH, drawn)


def _shown(model: RegisteredModel, day: Day, now: datetime) -> Shown:
    row = day.health
    old = summary.stale(row, now, model.last_probe_id)
    if row is None or row.state != model.health:
        return Shown(model.health, old, None, "", day)
    return Shown(model.health, old, row.since, row.reason_message or "", day)


def _label(hours: Sequence[Hour]) -> str:
    counts = {word: sum(hour.state == state for hour in hours) for state, word in _WORDS.items()}
    told = [f"{count} {'hour' if count == 1 else 'hours'} {word}" for word, count in counts.items() if count]
    return f"The last {len(hours)} hours: {', '.join(told)}"


def _bar(place: int, hour: Hour) -> Markup:
    x = place * (_BAR + _GAP)
    title = f"{display.moment_of(hour.at):%H:%M} UTC: {_WORDS[hour.state]}"
    if hour.checks:
        title += f", {hour.failures} of {hour.checks} looks failed"
    shape = {
        "up": f"M{x} 0h{_BAR}v{_HIGH}h-{_BAR}z",
        "unsteady": f"M{x} 6h{_BAR}v{_HIGH - 6}h-{_BAR}z",
        "down": f"M{x} 0h{_BAR}v{_HIGH - 8}h-{_BAR}zM{x} {_HIGH - 5}h{_BAR}v5h-{_BAR}z",
        "unknown": f"M{x} {_HIGH - 2}h{_BAR}v2h-{_BAR}z",
    }[hour.state]
    return Markup('<path class="hour-{}" d="{}"><title>{}</title></path>').format(hour.state, shape, title)
