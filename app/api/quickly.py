"""The two calls that programs make all day, answered before Flask sets up a request for them.

`GET /v2/models/<id>`, and `GET /v2/models` where the caller or this process has the list already. Whatever
is not plain (no token or no such model, no such scope, too many requests) goes the ordinary way, which says
what is wrong; tests hold that both ways answer alike. Setting up a request costs more than all the work of
these two.
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
from app.config import Settings
from app.errors import ApiError
from app.models import RenderedDocument, Revision, Token, new_id

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
    """WSGI around the application. It keeps what it needs of it, and so needs no context."""

    def __init__(self, app: Flask) -> None:
        self.ordinary, self._app = app.wsgi_app, app
        chosen: Settings = app.config["MUSTER"]
        self._a_minute, self._stamp = chosen.rate_limit, rendered.stamp(chosen)
        self._reader, self._rates = quick.of(app), rates.of(app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer at once, or leave it to the application."""
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].startswith(_LIST):
            began = time.perf_counter()
            known = self._known_if_any(environ)
            if known is not None:
                return _send(known, environ, start_response, began)
        return self.ordinary(environ, start_response)

    def _known_if_any(self, environ: Environ) -> Known | None:
        try:
            return self._known(environ)
        except quick.FAILURES:
            return None  # the ordinary way meets it too, and has an answer for it

    def _known(self, environ: Environ) -> Known | None:
        one = _ONE.fullmatch(environ["PATH_INFO"])
        sent = access.bearer_of(environ.get("HTTP_AUTHORIZATION", ""))
        if not sent or (one and environ.get("QUERY_STRING")):
            return None
        digest = access.digest_of(sent)
        known = self._one(one[1], digest, environ) if one else self._list(digest, environ)
        return known if known and self._may_ask(digest, environ) else None

    def _one(self, id: str, digest: str, environ: Environ) -> Known | None:
        found = self._reader.row(TOKEN_AND_DOCUMENT, {"digest": digest, "id": id, "stamp": self._stamp})
        if found is None or found[-1] is None:
            return None
        *token, etag, body = found
        actor, has = access.reader(token), _has(environ, etag)
        if actor is None or has is None:
            return None
        return Known(actor, etag, None if has else body)

    def _list(self, digest: str, environ: Environ) -> Known | None:
        if environ["PATH_INFO"] != _LIST:
            return None
        found = self._reader.row(_TOKEN_AND_REVISION, {"digest": digest, "one": 1})
        if found is None:
            return None
        *token, counted = found
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        etag = rendered.list_etag(counted or 0, query, self._stamp)
        actor, has = access.reader(token), _has(environ, etag)
        if actor is None or has is None:
            return None
        if has:
            return Known(actor, etag, None)
        page = rendered.kept_page(etag, self._app)
        if page is None or page.cursor is not None:
            return None  # it has to be made, or to name the page that follows
        return Known(actor, etag, page.body)

    def _may_ask(self, digest: str, environ: Environ) -> bool:
        try:
            self._rates.require_left(access.refusals_of(environ.get("REMOTE_ADDR")), self._a_minute)
            self._rates.take(access.caller_of(digest), self._a_minute)
        except ApiError:
            return False
        return True


def _has(environ: Environ, etag: str) -> bool | None:
    """Whether the caller has this very ETag; None where it names another, or several: the ordinary way reads
    those.
    """
    sent = environ.get("HTTP_IF_NONE_MATCH")
    return False if sent is None else True if sent == etag else None


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
