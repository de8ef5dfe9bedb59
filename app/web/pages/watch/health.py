"""The health of models as pages show it: state, since when, why, 24 hours as bars, whether it is stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from app.store.models import RegisteredModel
from app.watch import summary
from app.web.pages import display
from app.web.pages.watch.day import Day, Hour, days_of

_BAR, _GAP, _HIGH = 4, 1, 18
_LEVELS: Mapping[str, tuple[int, ...]] = {"up": (9,), "unsteady": (12,), "down": (4, 14), "unknown": (17,)}
"""Where the bars of a state have their middle: states differ in outline, not in colour alone."""
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
    def looked(self) -> datetime | None:
        """When the watch last looked, None where it never has."""
        return self.day.health.last_check if self.day.health else None

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
    return Markup('<svg class="day" role="img" viewBox="0 0 {1} {2}"><title>{0}</title>{3}</svg>').format(
        label, width, _HIGH, drawn
    )


def _shown(model: RegisteredModel, day: Day, now: datetime) -> Shown:
    row = day.health
    old = summary.stale(row, now, model.last_probe_id)
    if row is None or row.state != model.health:
        return Shown(model.health, old, None, "", day)
    return Shown(model.health, old, row.since, row.reason_message or "", day)


def _label(hours: Sequence[Hour]) -> str:
    counts = {word: sum(hour.state == state for hour in hours) for state, word in _WORDS.items()}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return f"Last {len(hours)} hours: {', '.join(told)}"


def _by_state(hours: Sequence[Hour]) -> Iterator[Markup]:
    """One path for all hours of a state: a list has hundreds of them."""
    for state, levels in _LEVELS.items():
        runs = [(place, count) for place, count in _runs(hours) if hours[place].state == state]
        if runs:
            lines = "".join(_line(place, count, y) for place, count in runs for y in levels)
            yield Markup('<path class="hour-{}" d="{}"/>').format(state, lines)


def _runs(hours: Sequence[Hour]) -> Iterator[tuple[int, int]]:
    """Where each stretch of hours of one state begins, and how many they are."""
    place = 0
    for _, run in groupby(hours, key=lambda hour: hour.state):
        count = sum(1 for _hour in run)
        yield place, count
        place += count


def _with_titles(hours: Sequence[Hour]) -> Iterator[Markup]:
    for place, hour in enumerate(hours):
        title = f"{display.moment_of(hour.at):%H:%M} UTC: {_WORDS[hour.state]}"
        if hour.checks:
            title += f", {hour.failures} of {hour.checks} looks failed"
        lines = "".join(_line(place, 1, y) for y in _LEVELS[hour.state])
        yield Markup('<path class="hour-{}" d="{}"><title>{}</title></path>').format(hour.state, lines, title)


def _line(place: int, count: int, y: int) -> str:
    """A stretch of hours as a line, which `app.css` draws as bars: so thick, and dashed."""
    return f"M{place * (_BAR + _GAP)} {y}h{count * (_BAR + _GAP) - _GAP}"
