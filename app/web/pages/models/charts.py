"""Small charts as SVG made on the server: no script, and words for people who can't see them.

Colours come from `app.css` by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from app.web.pages import display

_LABEL_PX, _PAIR_PX = 110, 20


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value; None where that probe measured nothing."""

    at: datetime
    value: float | None


def line(title: str, unit: str, points: Sequence[Point], width: int = 420, height: int = 120) -> Markup:
    """A line over time with its least and greatest value written on it; "" for fewer than two values."""
    known = [point for point in points if point.value is not None]
    if len(known) < 2:
        return Markup("")
    values = [point.value for point in known if point.value is not None]
    low, high = min(values), max(values)
    start, end = known[0].at.timestamp(), known[-1].at.timestamp()
    places = [
        (
            _between(point.at.timestamp(), start, end, 44, width - 8),
            _between(point.value or 0, high, low, 14, height - 22),
        )
        for point in known
    ]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    span = f"from {_shown(low, unit)} to {_shown(high, unit)} in {len(known)} probes"
    label = f"{title}: {span}, the last {_shown(values[-1], unit)}"
    return Markup(
        '<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 {w} {h}"><title>{label}</title>'
        '<path class="axis" d="M44 10V{floor}H{end}"/><path class="curve" d="{path}"/>{dots}'
        '<text x="40" y="18" class="mark">{high}</text><text x="40" y="{floor}" class="mark">{low}</text>'
        '<text x="44" y="{foot}" class="from">{first}</text>'
        '<text x="{end}" y="{foot}" class="mark">{last}</text></svg>'
    ).format(
        label=label, w=width, h=height, floor=height - 18, end=width - 4, path=path,
        dots=_dots(places) if len(places) <= 40 else "", high=_shown(high, unit), low=_shown(low, unit),
        foot=height - 4, first=_day(known[0].at), last=_day(known[-1].at),
    )  # fmt: skip


def pairs(title: str, rows: Sequence[tuple[str, float, float]], width: int = 420) -> Markup:
    """Two bars for each label, before above now, by their shares (0 to 1); "" for no rows."""
    if not rows:
        return Markup("")
    bars = Markup("").join(_pair(place, *row, width - _LABEL_PX - 4) for place, row in enumerate(rows))
    said = "; ".join(f"{label}: {before:.0%} before, {now:.0%} now" for label, before, now in rows)
    return Markup(
        '<svg class="chart" role="img" aria-label="{0}: {1}" viewBox="0 0 {2} {3}">'
        "<title>{0}: {1}</title>{4}</svg>"
    ).format(title, said, width, len(rows) * _PAIR_PX, bars)


def _pair(place: int, label: str, before: float, now: float, room: int) -> Markup:
    y = place * _PAIR_PX
    shown = label if len(label) <= 14 else label[:13] + "…"
    return Markup(
        '<text class="mark" x="{label_end}" y="{text_y}">{shown}</text>'
        '<rect class="before" x="{x}" y="{y}" width="{before}" height="7"/>'
        '<rect class="dot" x="{x}" y="{now_y}" width="{now}" height="7"/>'
    ).format(
        label_end=_LABEL_PX - 6, text_y=y + 13, shown=shown, x=_LABEL_PX, y=y + 1, now_y=y + 9,
        before=max(1, round(before * room)), now=max(1, round(now * room)),
    )  # fmt: skip


def _dots(places: Sequence[tuple[float, float]]) -> Markup:
    return Markup("").join(
        Markup('<circle class="dot" cx="{}" cy="{}" r="2.2"/>').format(f"{x:.1f}", f"{y:.1f}")
        for x, y in places
    )


def _between(value: float, low: float, high: float, start: float, end: float) -> float:
    """A value of one range at its place in another; the middle where the range is empty."""
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)


def _shown(value: float, unit: str) -> str:
    return (
        display.duration(value)
        if unit == "ms"
        else f"{value:,.0f}{unit}"
        if value >= 100
        else f"{value:.1f}{unit}"
    )


def _day(moment: datetime) -> str:
    return str(escape(display.moment_of(moment).strftime("%m-%d %H:%M")))
