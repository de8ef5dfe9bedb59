"""`/.well-known/security.txt` (RFC 9116): whom to tell of a weakness, where the operator says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, abort

from app.config import settings

blueprint = Blueprint("security_txt", __name__)
_HOLDS = timedelta(days=180)


@blueprint.get("/.well-known/security.txt")
def show() -> Response:
    """Contact and expiry; 404 where MUSTER_SECURITY_CONTACT is not set."""
    chosen = settings()
    if not chosen.security_contact:
        abort(404)
    expires = (datetime.now(UTC) + _HOLDS).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {chosen.security_contact}", f"Expires: {expires}", "Preferred-Languages: en"]
    if chosen.public_url:
        lines.append(f"Canonical: {chosen.public_url}/.well-known/security.txt")
    return Response("\n".join([*lines, ""]), mimetype="text/plain")
