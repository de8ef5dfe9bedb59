"""Headers that tell the browser to trust nothing that these pages don't need.

Written here and not taken from Flask-Talisman: its last release is from 2023, and what it does beyond these
few lines (forcing https, nonces) is not wanted: the pages have nothing inline, and a reverse proxy does TLS.
"""

from __future__ import annotations

from flask import Flask, Response, request

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OVER_HTTPS = _HEADERS | {"Strict-Transport-Security": "max-age=31536000"}


def init_app(app: Flask) -> None:
    """Put the headers on every answer."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    # One look at what is there, instead of one for each: this runs for every answer.
    there = {name.lower() for name, _ in response.headers}
    for name, value in (_OVER_HTTPS if request.is_secure else _HEADERS).items():
        if name.lower() not in there:
            response.headers.add(name, value)
    if request.endpoint == "static":
        # The address names these very bytes; a file that is not there may come with the next version.
        kept = response.status_code in (200, 304)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
    else:
        # Pages and answers hold what only this person may see: no cache that others share keeps them.
        response.headers.setdefault(
            "Cache-Control", "no-store" if response.mimetype == "text/html" else "private, no-cache"
        )
    return response
