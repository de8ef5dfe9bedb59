"""The error reference that `doc_url` points to, open to all: every code, what it means, what to do."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.error_codes import GROUPS

blueprint = Blueprint("error_reference", __name__, url_prefix="/errors")


@blueprint.get("")
def index() -> str:
    """Every code under its own anchor."""
    return render_template("errors/index.html", groups=GROUPS)
