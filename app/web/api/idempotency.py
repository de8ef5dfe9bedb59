"""Idempotency-Key: the same call twice is one call, also at the same moment and in several processes.

The first call claims the key with a row; others wait for its answer. The claim is a lease of a few seconds
that is renewed for as long as the work takes: two hundred models may take half an hour, and a process that
died at work holds its key no longer than that; not at all where it ran on the machine of the next call.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec

from flask import Response, current_app, request
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import ApiError
from app.store import database, living
from app.store.base import db, new_id, now
from app.store.leases import IdempotentAnswer
from app.web import errors
from app.web.guards import current_actor

P = ParamSpec("P")
Answers = IdempotentAnswer

KEPT_FOR = timedelta(hours=24)
_LEASE = timedelta(seconds=10)
_RENEWED_EVERY_S = 2.0
_POLLS_S = (0.02, 0.25)
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


@dataclass(frozen=True, slots=True)
class Call:
    """One call with a key: who called, with which key, for what."""

    caller: str
    key: str
    request: str


def idempotent(view: Callable[P, Response]) -> Callable[P, Response]:
    """Decorate a view that creates, below `require_scope`: each Idempotency-Key works once in 24 hours.

    What the first call was answered, errors of the caller's included, is what every other one is answered.
    """

    @wraps(view)
    def once(*args: P.args, **kwargs: P.kwargs) -> Response:
        if "Idempotency-Key" not in request.headers:
            return view(*args, **kwargs)
        call = _call()
        db.session.rollback()
        while True:
            claimed = _claim(call)
            if claimed:
                return _first(claimed, lambda: view(*args, **kwargs))
            repeated = _awaited(call)
            if repeated is not None:
                return repeated

    once.__dict__["idempotent"] = True  # the OpenAPI document tells it
    return once


def _call() -> Call:
    key = request.headers["Idempotency-Key"]
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise ApiError(
            "invalid_request",
            "The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.",
            field="Idempotency-Key",
        )
    return Call(current_actor().id, key, _fingerprint())


def _fingerprint() -> str:
    """A keyed hash of what is asked: the body may hold an API key, which nobody should guess from it."""
    asked = f"{request.method} {request.full_path} ".encode() + _plain(request.get_data())
    return hmac.new(str(current_app.secret_key).encode(), asked, hashlib.sha256).hexdigest()


def _plain(body: bytes) -> bytes:
    """A JSON body without what does not matter: white space, and the order of members that differ."""
    try:
        return json.dumps(json.loads(body, object_pairs_hook=_members), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


def _members(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    return made if len(made) == len(pairs) else pairs


def _claim(call: Call) -> str | None:
    """The id of the new row where this call is the first, or takes over from one that died; else None."""
    moment = now()
    row, holder = new_id(), living.mark(_is_held_by)
    given = {"id": row, "caller": call.caller, "key": call.key, "request": call.request, "holder": holder}
    try:
        with db.engine.begin() as connection:
            connection.execute(delete(Answers).where(Answers.created < moment - KEPT_FOR))
            connection.execute(
                delete(Answers).where(_of(call), Answers.status.is_(None), Answers.leased < moment)
            )
            connection.execute(insert(Answers).values(**given, created=moment, leased=moment + _LEASE))
    except IntegrityError:
        return None
    return row


def _is_held_by(mark: str) -> bool:
    """Whether a process with this mark is, or was, at work for somebody."""
    mine = select(Answers.id).where(Answers.status.is_(None), Answers.holder == mark)
    with db.engine.connect() as connection:
        return connection.execute(mine.limit(1)).first() is not None


def _of(call: Call) -> ColumnElement[bool]:
    return (Answers.caller == call.caller) & (Answers.key == call.key)


def _first(row: str, work: Callable[[], Response]) -> Response:
    """Do the work and keep its answer; if it fails through Muster's fault, or is to be tried again later, the
    key is free again.
    """
    kept = False
    try:
        with _renewed(row):
            response = _answered(work)
        if response.status_code < 500 and response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            kept = _keep(row, response)
        return response
    finally:
        if not kept:
            with db.engine.begin() as connection:
                connection.execute(delete(Answers).where(Answers.id == row))


@contextmanager
def _renewed(row: str) -> Iterator[None]:
    """Hold the lease of a claim while the block runs."""
    ended, engine = threading.Event(), db.engine

    def renew() -> None:
        while not ended.wait(_RENEWED_EVERY_S):
            # A database that is away for a moment may be back for the next turn.
            with suppress(*database.FAULTS), engine.begin() as connection:
                connection.execute(update(Answers).where(Answers.id == row).values(leased=now() + _LEASE))

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _answered(work: Callable[[], Response]) -> Response:
    try:
        return work()
    except ApiError as error:
        db.session.rollback()
        return errors.answer(error)


def _keep(row: str, response: Response) -> bool:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    values = {"status": response.status_code, "headers": headers, "body": response.get_data()}
    with db.engine.begin() as connection:
        return connection.execute(update(Answers).where(Answers.id == row).values(values)).rowcount == 1


def _awaited(call: Call) -> Response | None:
    """The first call's answer, as soon as there is one; None if its claim is free again. ApiError 409."""
    pause, longest = _POLLS_S
    while True:
        found = _look(call)
        if found is None or (found.status is None and _is_over(call, found)):
            return None
        if not hmac.compare_digest(found.request, call.request):
            raise ApiError(
                "idempotency_key_reused",
                "This Idempotency-Key came with another request before. Use a new key for a new request.",
                field="Idempotency-Key",
            )
        if found.status is not None:
            return _repeated(found)
        time.sleep(pause)
        pause = min(pause * 1.5, longest)


def _look(call: Call) -> Any:
    columns = (
        Answers.request, Answers.leased, Answers.holder, Answers.status, Answers.headers, Answers.body,
    )  # fmt: skip
    with db.engine.connect() as connection:
        return connection.execute(select(*columns).where(_of(call))).first()


def _is_over(call: Call, found: Any) -> bool:
    """Whether nobody is at work for this call any more; where its process has ended, the lease ends now."""
    if found.leased < now():
        return True
    if not found.holder or not living.has_ended(found.holder):
        return False
    with db.engine.begin() as connection:
        theirs = (Answers.holder == found.holder) & Answers.status.is_(None)
        connection.execute(delete(Answers).where(_of(call), theirs))
    return True


def _repeated(found: Any) -> Response:
    response = Response(found.body, found.status, headers=found.headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response
