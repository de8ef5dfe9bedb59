"""A badge: the state of a model and its uptime, for a page or a README."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from app.errors import ApiError
from app.store.base import now
from app.store.health import ModelHealth
from app.store.models import RegisteredModel
from app.watch import summary
from app.watch.chores import DAY
from app.web.api.answers import ID
from app.web.api.describe import describe
from app.web.api.watch.access import open_where

blueprint = Blueprint("api_badge", __name__)
_COLOURS = {
    "up": "#1a7f37",
    "degraded": "#9a6700",
    "down": "#cf222e",
    "unknown": "#6e7781",
    "stale": "#6e7781",
}
_CHARACTER_PX = 7
_SHORT_S = 60


@blueprint.get("/badge/<id>.svg")
@open_where(lambda chosen: chosen.public_catalogue)
@describe(tag="Health", gives="AnyText", texts=("image/svg+xml",))
def badge(id: str) -> Response:
    """State and uptime of 30 days, as SVG."""
    model = RegisteredModel.by_id(id) if ID.fullmatch(id) else None
    if model is None:
        raise ApiError("not_found", "There is no model with this id.", field="id")
    state = "stale" if summary.stale(ModelHealth.by_id(id), now(), model.last_probe_id) else model.health
    share = summary.uptime(id, now() - 30 * DAY, now())
    words = state if share is None else f"{state}, {share:.2%} in 30 days"
    name = model.display_name if len(model.display_name) <= 40 else model.display_name[:39] + "…"
    widths = [len(text) * _CHARACTER_PX + 12 for text in (name, words)]
    drawn = render_template(
        "badge.svg", name=name, words=words, colour=_COLOURS.get(state, _COLOURS["unknown"]), widths=widths
    )
    response = Response(drawn, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = f"max-age={_SHORT_S}"
    return response
