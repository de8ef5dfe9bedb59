"""What every page shares: the root address, the navigation, and the words of `display.py` in templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from app.access.actors import ROLES
from app.config import settings
from app.errors import ApiError
from app.web import errors
from app.web.guards import current_actor, is_page
from app.web.pages import display
from app.web.pages.states import look_of

blueprint = Blueprint("frame", __name__)

OLDER = "This form is older than your session. Look through it and send it again."
SIGNED_OUT = "You were signed out in the meantime. Sign in: the form comes back, and nothing was sent."

NAVIGATION: tuple[tuple[str, str, str], ...] = (
    ("Now", "now.index", "viewer"),
    ("Models", "models.index", "viewer"),
    ("Endpoints", "endpoints.index", "viewer"),
    ("Incidents", "incidents.index", "viewer"),
    ("Catalogue", "catalogue.index", "viewer"),
    ("Channels", "channels.index", "admin"),
    ("Audit log", "audit.index", "viewer"),
    ("Tokens", "tokens.index", "admin"),
    ("People", "users.index", "admin"),
    ("About", "about.index", "viewer"),
)
"""Label, endpoint and least role of each area."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the navigation."""

    label: str
    url: str
    current: bool


@blueprint.get("/")
def root() -> Response:
    """What is wrong now is what people come for first."""
    return redirect(url_for("now.index"), 303)


@blueprint.app_errorhandler(CSRFError)
def _form_too_old(_error: CSRFError) -> Response:
    """A form of an earlier session is opened anew, after signing in: the browser kept what was typed."""
    if not errors.is_json_side() and is_page(request.path):
        known = current_user.is_authenticated
        flash(OLDER if known else SIGNED_OUT, "warn")
        return redirect(request.path if known else url_for("signin.signin", next=request.path), 303)
    message = "Your session has changed since this page was loaded. Go back, reload it and send it again."
    return errors.answer(ApiError("form_expired", message))


def navigation() -> list[Item]:
    """The areas that this person may enter, with the one that the request is in marked.

    For somebody who is not signed in that is the catalogue, where it is open to all.
    """
    known = current_user.is_authenticated
    scopes = current_actor().scopes if known else frozenset()
    offered = [
        (label, url_for(endpoint))
        for label, endpoint, role in NAVIGATION
        if ROLES[role] <= scopes or (endpoint == "catalogue.index" and settings().public_catalogue)
    ]
    return [Item(label, url, request.path.startswith(url)) for label, url in offered]


def config_words(config: Mapping[str, Any]) -> str:
    """A parameter's limits in words: "from 0 to 2, default 1"."""
    parts = []
    low, high = config.get("minimum"), config.get("maximum")
    if low is not None and high is not None:
        parts.append(f"from {display.as_text(low)} to {display.as_text(high)}")
    elif low is not None:
        parts.append(f"from {display.as_text(low)}")
    if config.get("options"):
        parts.append(display.as_text(list(config["options"])))
    if config.get("default") is not None:
        parts.append(f"default {display.as_text(config['default'])}")
    return "; ".join(parts) or "any value"


def actor_words(label: str) -> str:
    """An actor's label as words: `token:ci` is "the token ci"."""
    kind, _, name = label.partition(":")
    known = {
        "user": name,
        "token": f"the token {name}",
        "address": f"somebody at {name}",
        "cli": "the command line",
        "system": "Muster itself",
    }
    return known.get(kind, label)


@cache
def _version() -> str:
    try:
        return version("muster")
    except PackageNotFoundError:
        return ""


# Globals and not a context processor: macros that a template imports see only these.
blueprint.add_app_template_global(navigation)
blueprint.add_app_template_global(look_of)
blueprint.add_app_template_global(_version, "version")
_FILTERS = display.FILTERS | {"config_words": config_words, "actor_words": actor_words}
for _name, _filter in _FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
