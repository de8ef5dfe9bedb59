"""The catalogue for consumers, read only: which models there are, what they can do, what they cost."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.access import require_role
from app.config import settings
from app.document import document
from app.model_types import MODEL_TYPES
from app.models import RegisteredModel
from app.pages import listing

blueprint = Blueprint("catalogue", __name__, url_prefix="/catalogue")

PAGE = 50


@blueprint.get("")
def index() -> str | Response:
    """The enabled models, the newest first; without sign-in where `MUSTER_PUBLIC_CATALOGUE` says so.

    The address of an endpoint is shown only to people who are signed in: it may be an inner one.
    """
    if settings().public_catalogue:
        return _page()
    return require_role("viewer")(_page)()


def _page() -> str:
    q, kind = request.args.get("q", "").strip()[:200], request.args.get("type", "")
    kind = kind if kind in MODEL_TYPES else ""
    cursor = request.args.get("cursor", "")[:64]
    found = RegisteredModel.newest(
        PAGE + 1, cursor or None, q=q or None, model_type=kind or None, enabled=True
    )
    models = found[:PAGE]
    following = {"q": q, "type": kind, "cursor": models[-1].id if len(found) > PAGE else ""}
    entries = [(model, document(model), listing.chips_of(model.capabilities or {})) for model in models]
    return render_template(
        "house/catalogue.html",
        entries=entries,
        q=q,
        kind=kind,
        types=MODEL_TYPES,
        signed_in=current_user.is_authenticated,
        cost_of=listing.cost_of,
        next_url=url_for("catalogue.index", **following) if following["cursor"] else None,  # type: ignore[arg-type]
    )
