"""A badge: the state of a model and its uptime, for a page or a README."""

from __future__ import annotations

from flask import Blueprint, Response

from app.errors import ApiError
from app.store.base import now
from app.store.models import RegisteredModel
from app.web.api.answers import ID
from app.web.api.describe import describe
from app.web.api.watch.access import open_where
from app.web.badge import badge_of

blueprint = Blueprint("api_badge", __name__)


@blueprint.get("/badge/<id>.svg")
@open_where(lambda chosen: chosen.public_catalogue)
@describe(tag="Health", gives="AnyText", texts=("image/svg+xml",))
def badge(id: str) -> Response:
    """State and uptime of 30 days, as SVG."""
    model = RegisteredModel.by_id(id) if ID.fullmatch(id) else None
    if model is None:
        raise ApiError("not_found", "There is no model with this id.", field="id")
    return badge_of(model, now())
