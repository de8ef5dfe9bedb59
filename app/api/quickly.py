"""The two calls that programs make all day, answered before Flask sets up a request for them.

`GET /v2/models/<id>`, and `GET /v2/models` where the caller has the list already. Whatever is not plain (no
token or no such model, no such scope, too many requests) goes the ordinary way, which says what is wrong;
tests hold that both ways answer alike. Setting up a request costs more than all the work of these two.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import Select, and_, bindparam, select

from app import access, logs, quick, rates, rendered, security
from app.access import THE_TOKEN, TOKEN_COLUMNS, Actor
from app.config import settings
from app.errors import ApiError
from app.models import RenderedDocument, Revision, Token, new_id
from app.rendered import Rendered

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_LIST = "/v2/models"
_ONE = re.compile(r"/v2/models/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

TOKEN_AND_DOCUMENT: Select[*tuple[Any, ...]] = (
    select(*TOKEN_COLUMNS, RenderedDocument.etag, RenderedDocument.body)
    .select_from(Token)
    .outerjoin(RenderedDocument, and_(*rendered.THE_DOCUMENT))
    .where(*THE_TOKEN)
)
_TOKEN_AND_REVISION: Select[*tuple[Any, ...]] = (
    select(*TOKEN_COLUMNS, Revision.value)
    .select_from(Token)
    .outerjoin(Revision, Revision.id == bindparam("one"))
    .where(*THE_TOKEN)
)


class Known(NamedTuple):
    """An answer that needs nothing more: for whom, and what; no body where the caller has it."""

    actor: Actor
    etag: str
    body: bytes | None


class Quickly:
    """WSGI around the application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.ordinary = app.wsgi_app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer at once, or leave it to the application."""
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].startswith(_LIST):
            began = time.perf_counter()
            with self._app.app_context():
                known = _known(environ)
                if known is not None:
                    return _send(known, environ, start_response, began)
        return self.ordinary(environ, start_response)


def _known(environ: Environ) -> Known | None:
    one = _ONE.fullmatch(environ["PATH_INFO"])
    sent = access.bearer_of(environ.get("HTTP_AUTHORIZATION", ""))
    if not sent or (one and environ.get("QUERY_STRING")):
        return None
    known = _one(one[1], sent, environ) if one else _list(sent, environ)
    return known if known and _may_ask(sent, environ) else None


def _one(id: str, sent: str, environ: Environ) -> Known | None:
    values = {"digest": access.digest_of(sent), "id": id, "stamp": rendered.stamp()}
    found = quick.row(TOKEN_AND_DOCUMENT, values)
    actor = access.reader(found[:-2]) if found and found[-1] is not None else None
    if actor is None or found is None:
        return None
    ready = Rendered(*found[-2:])
    return Known(actor, ready.etag, None if _has(environ, ready.etag) else bytes(ready.body))


def _list(sent: str, environ: Environ) -> Known | None:
    if environ["PATH_INFO"] != _LIST or "HTTP_IF_NONE_MATCH" not in environ:
        return None
    found = quick.row(_TOKEN_AND_REVISION, {"digest": access.digest_of(sent), "one": 1})
    actor = access.reader(found[:-1]) if found else None
    if actor is None or found is None:
        return None
    etag = rendered.list_etag(found[-1] or 0, environ.get("QUERY_STRING", "").encode("latin-1"))
    return Known(actor, etag, None) if _has(environ, etag) else None


def _has(environ: Environ, etag: str) -> bool:
    """Whether the caller names this very ETag and nothing else; lists of them go the ordinary way."""
    return bool(environ.get("HTTP_IF_NONE_MATCH") == etag)


def _may_ask(sent: str, environ: Environ) -> bool:
    a_minute = settings().rate_limit
    try:
        rates.require_left(access.refusals_of(environ.get("REMOTE_ADDR")), a_minute)
        rates.take(access.caller_of(sent), a_minute)
    except ApiError:
        return False
    return True


def _send(known: Known, environ: Environ, start_response: StartResponse, began: float) -> Iterable[bytes]:
    request_id = new_id()
    headers = [("ETag", known.etag), ("Cache-Control", "private, no-cache"), ("X-Request-Id", request_id)]
    if known.body is not None:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(known.body)))]
    headers += security.headers_for(secure=environ["wsgi.url_scheme"] == "https")
    status = "304 NOT MODIFIED" if known.body is None else "200 OK"
    logs.note(request_id, "GET", environ["PATH_INFO"], int(status[:3]), began, known.actor.label)
    start_response(status, headers)
    return [known.body] if known.body is not None else []
