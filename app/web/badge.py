"""A badge: the state of a model and its uptime, for a page or a README."""

from __future__ import annotations

from datetime import datetime

from flask import Response, render_template

from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.watch import summary
from app.watch.chores import DAY

_COLOURS = {
    "up": "#1a7f37",
    "degraded": "#9a6700",
    "down": "#cf222e",
    "unknown": "#6e7781",
    "stale": "#6e7781",
}
_CHARACTER_PX = 7
_SHORT_S = 60


def badge_of(model: RegisteredModel, now: datetime) -> Response:
    """State and uptime of 30 days, as SVG."""
    old = summary.stale(ModelHealth.by_id(model.id), now, model.last_probe_id)
    state = "stale" if old else model.health
    share = summary.uptime(model.id, now - 30 * DAY, now)
    words = state if share is None else f"{state}, {share:.2%} in 30 days"
    name = model.display_name if len(model.display_name) <= 40 else model.display_name[:39] + "…"
    widths = [len(text) * _CHARACTER_PX + 12 for text in (name, words)]
    drawn = render_template(
        "badge.svg", name=name, words=words, colour=_COLOURS.get(state, _COLOURS["unknown"]), widths=widths
    )
    response = Response(drawn, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = f"max-age={_SHORT_S}"
    return response
