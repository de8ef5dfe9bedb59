"""ApiErrors as answers: JSON of one shape for programs, a page for people."""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    NotFound,
    RequestEntityTooLarge,
)
from werkzeug.wrappers import Response as BaseResponse

from app.config import settings
from app.error_codes import BY_STATUS, type_of
from app.errors import ApiError
from app.store import database
from app.store.base import db

log = logging.getLogger("muster.errors")

JSON_PATHS = ("/v1/", "/v2/", "/v3/", "/healthz", "/readyz", "/openapi.json", "/metrics", "/badge/")
_DATABASE_AGAIN_S = 2
_DRAINED_AT_MOST = 16 * 1024 * 1024


def is_json_side() -> bool:
    """Whether the request at hand wants JSON: by its path, or by what it accepts best."""
    if request.path.startswith(JSON_PATHS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def error_body(error: ApiError) -> dict[str, Any]:
    """The error in its JSON shape; empty members are left out.

    `type` and `param` (the field, or null) are there for clients that read OpenAI's error object strictly.
    """
    inner: dict[str, Any] = {"code": error.code, "message": error.message}
    inner |= {"type": type_of(error.status), "param": error.field}
    if error.field is not None:
        inner["field"] = error.field
    if error.details:
        inner["details"] = [dict(detail) for detail in error.details]
    if error.suggestions:
        inner["suggestions"] = {name: list(values) for name, values in error.suggestions.items()}
    inner["doc_url"] = doc_url(error.code)
    inner["request_id"] = g.get("request_id", "")
    return {"error": inner, **error.extra}


def doc_url(code: str) -> str:
    """Where this error code is explained."""
    base = settings().doc_url or f"{home_url()}/errors"
    return f"{base}#{code}"


def home_url() -> str:
    """Where people and programs reach this Muster, without a slash at the end."""
    return settings().public_url or request.url_root.rstrip("/")


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.before_request(_refuse_nul)
    app.before_request(_refuse_truncated)
    app.register_error_handler(ApiError, answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(ParseException, _answer_unreadable)
    app.register_error_handler(DBAPIError, _answer_database)
    app.register_error_handler(psycopg.Error, _answer_database)  # of a driver's call that no statement is
    app.register_error_handler(Exception, _answer_unexpected)


def answer(error: ApiError) -> Response:
    """The response for an error, as JSON or as a page."""
    _take_the_rest()
    response = jsonify(error_body(error)) if is_json_side() else _page(error)
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response


def _page(error: ApiError) -> Response:
    title = HTTPStatus(error.status).phrase.capitalize()
    known = {"request_id": g.get("request_id", ""), "doc_url": doc_url(error.code)}
    page = render_template("error.html", error=error, title=title, **known)
    return Response(page, mimetype="text/html")


def _answer_http(error: HTTPException) -> BaseResponse:
    status = error.code or 500
    if status < 400 or error.response is not None:
        # A redirect, or an answer that somebody already made.
        return error.get_response(request.environ)
    if isinstance(error, RequestEntityTooLarge):
        _drain()
    kept = {
        name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Location")
    }
    if row := BY_STATUS.get(status):
        return answer(ApiError(row.code, row.message, headers=kept))
    code = _snake(HTTPStatus(status).phrase)
    return answer(ApiError(code, error.description or "", status=status, headers=kept))


def _answer_unreadable(_error: ParseException) -> BaseResponse:
    """The web server found the body's framing broken while reading it."""
    return _answer_http(BadRequest())


def _answer_database(error: DBAPIError | psycopg.Error) -> BaseResponse:
    """The database is gone, locked or full; it comes back, and the same call may work then."""
    if not database.is_out_of_reach(error):
        return _answer_unexpected(error)
    log.error("%s", database.unusable(error))
    db.session().invalidate()  # a connection that broke can't be rolled back either
    db.session.remove()
    g.without_database = True  # Flask-Login would ask it for each template who is signed in
    again = {"Retry-After": str(_DATABASE_AGAIN_S)}
    return answer(ApiError("database_unavailable", "The database can't be reached right now.", headers=again))


def _answer_unexpected(error: Exception) -> BaseResponse:
    # The one place that sees what nobody foresaw; the log has it all, the answer nothing.
    log.error("unexpected error", exc_info=error)
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return _answer_http(InternalServerError())


def _refuse_nul() -> None:
    """PostgreSQL takes no NUL: no address of ours holds one, and no field of a page's form.

    Queries are read by what takes them: a search without it is a search. What programs send is judged field
    by field, with a sentence for each.
    """
    if "\0" in request.path:
        raise NotFound
    if request.method != "POST" or request.path.startswith(JSON_PATHS):
        return
    if any("\0" in text for pair in request.form.items(multi=True) for text in pair):
        raise BadRequest


def _refuse_truncated() -> None:
    """Werkzeug cuts a chunked body off at the limit without a word; half a body is not a whole one."""
    if "chunked" in request.headers.get("Transfer-Encoding", ""):
        limit = request.max_content_length
        if limit is not None and len(request.get_data(cache=True, parse_form_data=False)) >= limit:
            raise RequestEntityTooLarge


def _take_the_rest() -> None:
    """Read a body that nobody asked for: its bytes would be taken for the connection's next request."""
    if 0 < (request.content_length or 0) <= (current_app.config["MAX_CONTENT_LENGTH"] or 0):
        with suppress(HTTPException, ParseException):
            request.get_data()


def _drain() -> None:
    """Read what the client still sends: closing on it would reset the connection before it saw the answer."""
    stream = request.environ.get("wsgi.input")
    left = min(request.content_length or _DRAINED_AT_MOST, _DRAINED_AT_MOST)
    while stream is not None and left > 0:
        piece = stream.read(min(left, 65536))
        if not piece:
            return
        left -= len(piece)


def _snake(phrase: str) -> str:
    return phrase.lower().replace(" ", "_").replace("'", "").replace("-", "_")
