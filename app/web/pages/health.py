"""The health of models as pages show it: state, since when, why, 24 hours as bars, whether it is stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        """The last 24 hours, a bar each, oldest first; light enough for a list."""
        return bars(self.day.hours)

    @property
    def hours(self) -> Markup:
        """The same with what each hour saw where the mouse rests on it."""
        return bars(self.day.hours, hover=True)


def shown(models: Sequence[RegisteredModel], now: datetime) -> Mapping[str, Shown]:
    """The health of each of these models by its id, read in a few queries for all of them."""
    days = days_of([model.id for model in models], now)
    return {model.id: _shown(model, days[model.id], now) for model in models}


def bars(hours: Sequence[Hour], *, hover: bool = False) -> Markup:
    """Hours as bars that differ in height, gap and colour; "" where nobody looked in any of them."""
    if all(hour.state == "unknown" for hour in hours):
        return Markup("")
    drawn = Markup("").join(_with_titles(hours) if hover else _by_state(hours))
    label, width = _label(hours), len(hours) * (_BAR + _GAP)
    return Markup(
        '<svg class="day" role="img" aria-label="{0}" width="{1}" height="{2}" viewBox="0 0 {1} {2}">'
        "{3}{4}</svg>"
    ).format(label, width, _HIGH, "" if hover else Markup("<title>{}</title>").format(label), drawn)


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


def _by_state(hours: Sequence[Hour]) -> Iterator[Markup]:
    """One path for all hours of a state: a list has hundreds of them."""
    for state in _WORDS:
        shapes = [_shape(place, hour) for place, hour in enumerate(hours) if hour.state == state]
        if shapes:
            yield Markup('<path class="hour-{}" d="{}"/>').format(state, "".join(shapes))


def _with_titles(hours: Sequence[Hour]) -> Iterator[Markup]:
    for place, hour in enumerate(hours):
        title = f"{display.moment_of(hour.at):%H:%M} UTC: {_WORDS[hour.state]}"
        if hour.checks:
            title += f", {hour.failures} of {hour.checks} looks failed"
        drawn = Markup('<path class="hour-{}" d="{}"><title>{}</title></path>')
        yield drawn.format(hour.state, _shape(place, hour), title)


def _shape(place: int, hour: Hour) -> str:
    x = place * (_BAR + _GAP)
    if hour.state == "down":
        return f"M{x} 0h{_BAR}v{_HIGH - 8}h-{_BAR}zM{x} {_HIGH - 5}h{_BAR}v5h-{_BAR}z"
    top = {"up": 0, "unsteady": 6}.get(hour.state, _HIGH - 2)
    return f"M{x} {top}h{_BAR}v{_HIGH - top}h-{_BAR}z"
