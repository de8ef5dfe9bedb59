"""Small charts as SVG made on the server: no script, and words for people who can't see them.

Colours come from `app.css` by class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from app.web.pages import display, locales

_LABEL_PX, _PAIR_PX = 110, 20


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value; None where that probe was rejected."""

    at: datetime
    value: float | None


def line(title: str, unit: str, points: Sequence[Point], width: int = 340, height: int = 120) -> Markup:
    """A curve over time from zero on, broken and marked at a rejected probe; "" for under two values.

    The labels stand inside, above their lines, so that none is cut off whatever its length.
    """
    values = [point.value for point in points if point.value is not None]
    if len(values) < 2:
        return Markup("")
    top, floor = _nice(max(values)), height - 18
    start, end = points[0].at.timestamp(), points[-1].at.timestamp()
    places = [
        (
            _between(point.at.timestamp(), start, end, 4, width - 4),
            None if point.value is None else _between(point.value, top, 0, 18, floor),
        )
        for point in points
    ]
    lost = len(points) - len(values)
    label = (
        f"{title}: from {_shown(min(values), unit)} to {_shown(max(values), unit)} in {len(values)} probes, "
        f"the last {_shown(values[-1], unit)}{f'; {lost} rejected' if lost else ''}"
    )
    return Markup(
        '<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 {w} {h}"><title>{label}</title>'
        '<path class="axis" d="M0 {floor}H{w}"/><path class="grid" d="M0 18H{w}"/>'
        '<path class="outage" d="{outages}"/><path class="curve" d="{path}"/>{dots}'
        '<text x="2" y="13">{high}</text><text x="2" y="{low}">0</text>'
        '<text x="2" y="{foot}">{first}</text><text x="{end}" y="{foot}" class="mark">{last}</text></svg>'
    ).format(
        label=label, w=width, h=height, floor=floor, low=floor - 3, end=width - 2, path=_path(places),
        outages="".join(f"M{x:.1f} 18V{floor}m-3 -6l6 6m-6 0l6 -6" for x, y in places if y is None),
        dots=_dots([(x, y) for x, y in places if y is not None]) if len(places) <= 40 else "",
        high=_shown(top, unit), foot=height - 4, first=_day(points[0].at), last=_day(points[-1].at),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hour:
    """What looks saw in the hour that began at `at`; `p95_ms` is None where none was good."""

    at: datetime
    p95_ms: int | None
    failures: int
    looks: int


def hours(title: str, seen: Sequence[Hour], width: int = 700, height: int = 120) -> Markup:
    """The p95 of each hour from zero on; hours with failures are red bands, and each tells its values where
    a pointer rests on it. "" for under two hours.
    """
    if len(seen) < 2:
        return Markup("")
    floor = height - 18
    times = [one.p95_ms for one in seen if one.p95_ms is not None]
    top = _nice(max(times, default=1))
    start, end = seen[0].at.timestamp(), seen[-1].at.timestamp() + _HOUR_S
    wide = _HOUR_S / (end - start) * width
    lefts = [_between(one.at.timestamp(), start, end, 0, width) for one in seen]
    bands = Markup("").join(_band(one, x, wide, floor) for one, x in zip(seen, lefts, strict=True))
    places = [
        (x + wide / 2, None if one.p95_ms is None else _between(one.p95_ms, top, 0, 18, floor))
        for one, x in zip(seen, lefts, strict=True)
    ]
    failed = sum(one.failures for one in seen)
    label = f"{title}: {sum(one.looks for one in seen):,} in {len(seen)} hours, {failed or 'none'} failed" + (
        f"; the p95 of an hour was {_shown(min(times), 'ms')} to {_shown(max(times), 'ms')}" if times else ""
    )
    return Markup(
        '<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 {w} {h}">{bands}'
        '<path class="axis" d="M0 {floor}H{w}"/><path class="grid" d="M0 18H{w}"/>'
        '<path class="curve" d="{path}"/><text x="2" y="13">{high}</text><text x="2" y="{low}">0</text>'
        '<text x="2" y="{foot}">{first}</text><text x="{end}" y="{foot}" class="mark">{last}</text></svg>'
    ).format(
        label=label, w=width, h=height, bands=bands, floor=floor, path=_path(places), high=_shown(top, "ms"),
        low=floor - 3, foot=height - 4, first=_day(seen[0].at), end=width - 2, last=_day(seen[-1].at),
    )  # fmt: skip


_HOUR_S = 3600


def _band(one: Hour, x: float, wide: float, floor: int) -> Markup:
    told = "no good look" if one.p95_ms is None else f"p95 {_shown(one.p95_ms, 'ms')}"
    return Markup(
        '<rect class="hour{bad}" x="{x}" y="18" width="{w}" height="{h}">'
        "<title>{at}: {told}, {failed} of {looks} failed</title></rect>"
    ).format(
        bad=" bad" if one.failures else "", x=f"{x:.1f}", w=f"{wide:.1f}", h=floor - 18, at=_day(one.at),
        told=told, failed=one.failures or "none", looks=one.looks,
    )  # fmt: skip


def _path(places: Sequence[tuple[float, float | None]]) -> str:
    """Lines between neighbours that have a value each: across an outage there is none."""
    made, drawn = "", False
    for x, y in places:
        made += "" if y is None else f"{'L' if drawn else 'M'}{x:.1f} {y:.1f}"
        drawn = y is not None
    return made


def _nice(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


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
    return str(escape(locales.current().short(display.moment_of(moment))))
