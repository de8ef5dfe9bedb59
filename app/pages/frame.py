"""What every page shares: the root address, the navigation, and the words of `words.py` in templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from app import errors
from app.pages import words

blueprint = Blueprint("frame", __name__)

NAVIGATION: tuple[tuple[str, str, str], ...] = (("Models", "models.index", "/models"),)
"""Label, endpoint and path prefix of each area."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the navigation."""

    label: str
    url: str
    current: bool


@blueprint.get("/")
def root() -> Response:
    """The models are what people come for."""
    return redirect(url_for("models.index"), 303)


@blueprint.app_errorhandler(CSRFError)
def _form_too_old(_error: CSRFError) -> Response:
    message = "This page does not fit your session any more. Go back, load it again and send it once more."
    return errors.answer(errors.ApiError("form_expired", message, 400))


def navigation() -> list[Item]:
    """The areas, with the one that the request is in marked."""
    path = request.path
    return [Item(label, url_for(endpoint), path.startswith(prefix)) for label, endpoint, prefix in NAVIGATION]


def config_words(config: Mapping[str, Any]) -> str:
    """The limits of a parameter as words: "from 0 to 2, default 1"."""
    parts = []
    low, high = config.get("minimum"), config.get("maximum")
    if low is not None and high is not None:
        parts.append(f"from {words.shown(low)} to {words.shown(high)}")
    elif low is not None:
        parts.append(f"from {words.shown(low)}")
    if config.get("options"):
        parts.append(words.shown(list(config["options"])))
    if config.get("default") is not None:
        parts.append(f"default {words.shown(config['default'])}")
    return "; ".join(parts) or "any value"


def actor_words(label: str) -> str:
    """An actor's label as words: `token:ci` is "the token ci"."""
    kind, _, name = label.partition(":")
    known = {"user": name, "token": f"the token {name}", "cli": "the command line", "system": "Muster itself"}
    return known.get(kind, label)


@cache
def _version() -> str:
    try:
        return version("muster")
    except PackageNotFoundError:
        return ""


# Globals and not a context processor: macros that a template imports see only these.
blueprint.add_app_template_global(navigation)
blueprint.add_app_template_global(words.look_of)
blueprint.add_app_template_global(_version, "version")
_FILTERS = words.FILTERS | {"config_words": config_words, "actor_words": actor_words}
for _name, _filter in _FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
