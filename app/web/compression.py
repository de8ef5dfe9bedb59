"""Pages and static files go compressed to browsers that take it, where no proxy in front does it.

Written here and not taken from Flask-Compress: gzip from the standard library is all that these pages need.
No other site can measure what a page holds of secret text (BREACH): the session's cookie goes along with no
request that another site makes in the background.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

_TYPES = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")
_WORTH_IT = 1000
_LEVEL = 5


def init_app(app: Flask) -> None:
    """Compress what is worth it."""
    app.after_request(_compressed)


def _compressed(response: Response) -> Response:
    if response.mimetype not in _TYPES or response.is_streamed and not response.direct_passthrough:
        return response
    response.vary.add("Accept-Encoding")
    wanted = request.accept_encodings["gzip"] > 0 and "Content-Encoding" not in response.headers
    if not wanted or response.status_code != 200 or request.method != "GET":
        return response
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) >= _WORTH_IT:
        response.set_data(gzip.compress(plain, _LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.pop("Accept-Ranges", None)
        tag, _ = response.get_etag()
        if tag:
            response.set_etag(tag, weak=True)
    return response
