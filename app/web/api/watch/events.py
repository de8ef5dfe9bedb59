"""The feed of changes, for programs that follow it."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.store.base import db
from app.store.watch.events import FeedEvent
from app.watch.incidents import stamp
from app.web.api.answers import answer
from app.web.api.describe import describe
from app.web.api.query import bad_argument, limit_argument
from app.web.errors import home_url
from app.web.guards import require_scope

blueprint = Blueprint("api_events", __name__)
LONGEST_WAIT_S = 60
_EVERY_S = 0.5
_LAST = 2**62


@blueprint.get("/v2/events")
@require_scope("read")
@describe(tag="Health", gives="Event[]", query=("after", "wait", "limit"))
def follow() -> Response:
    """What changed, the oldest first; waits up to `wait` seconds where there is nothing new.

    `Link` names the next call, also where nothing came: a program that follows it misses nothing.
    """
    after, limit = _number("after", _LAST), limit_argument()
    until = time.monotonic() + _number("wait", LONGEST_WAIT_S)
    while not (found := FeedEvent.after(after, limit)) and time.monotonic() < until:
        db.session.rollback()  # no connection is held meanwhile
        time.sleep(min(_EVERY_S, max(0.0, until - time.monotonic())))
    response = answer([_as_json(one) for one in found])
    following = request.args.to_dict() | {"after": str(found[-1].number if found else after)}
    response.headers["Link"] = f'<{home_url()}/v2/events?{urlencode(following)}>; rel="next"'
    return response


def _number(name: str, most: int) -> int:
    text = request.args.get(name, "0")
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > most:
        raise bad_argument(name, f"must be a whole number from 0 to {most}")
    return int(text)


def _as_json(event: FeedEvent) -> dict[str, Any]:
    return {
        "cursor": str(event.number),
        "at": stamp(event.at),
        "kind": event.kind,
        "model": event.model_pk,
        "endpoint": event.endpoint_id,
        "detail": event.detail,
    }
