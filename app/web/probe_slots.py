"""How many requests may probe, or wait for news, at the same time: threads are always left for others.

A probe holds its request's thread for as long as the endpoint takes. A request takes its place after its
caller is known, and gives it back when its answer has gone out, streams included. Each web process counts for
itself, for it is its own threads that are at stake.
"""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import cast

from flask import Flask, Response, after_this_request, current_app, g, request

from app.access.actors import Actor
from app.config import Settings
from app.errors import ApiError

NAME = "muster_probe_slots"
_COME_BACK_S = 5

PROBING = frozenset(
    {
        "api_models.create_openai_like",
        "api_models.validate_openai_like",
        "api_models.update_openai_like",
        "api_family.create",
        "api_family.change",
        "api_family.check",
        "api_family.list_litellm",
        "api_probes.probe_now",
        "api_identity.compare",
        "api_exchange.import_litellm",
        "api_apply.apply",
        "api_endpoints.create_endpoint",
        "api_endpoints.add_models",
        "api_endpoints.change_endpoint",
        "api_endpoints.read_catalog",
        "api_endpoints.look_at_catalog",
        "api_channels.test_channel",
        "channels.test",
        "endpoints.many.create",
        "endpoints.many.add",
        "endpoints.change.save",
        "endpoints.change.store_key",
        "register.create",
        "register.change",
        "models.probe_again",
        "models.comparing.compare",
        "models.costly.deep",
        "models.costly.repeat",
        "models.bulk.act",
        "models.playground.send",
    }
)
"""The routes that wait for endpoints, or for where people are told."""
_FEED = "api_events.follow"
"""Waits for news where it is asked to, up to a minute."""
_OF_THE_THREADS = 8
"""One thread of so many may wait for news; of those, half for one caller."""


class Slots:
    """Places of one kind: `code` and `doing` are for who gets none."""

    def __init__(self, in_all: int, each: int, code: str, doing: str) -> None:
        self._in_all, self._each = in_all, each
        self._code, self._doing = code, doing
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def take(self, who: str) -> None:
        """Take a place; ApiError 429 where this caller, or all together, have theirs already."""
        with self._lock:
            if self._held[who] >= self._each:
                raise self._too_many(f"You have as many {self._doing} as one caller may at once.")
            if self._held.total() >= self._in_all:
                raise self._too_many(f"There are as many {self._doing} as this server may have at once.")
            self._held[who] += 1

    def give_back(self, who: str) -> None:
        """Leave a place to others."""
        with self._lock:
            self._held[who] -= 1
            if not self._held[who]:
                del self._held[who]

    def _too_many(self, why: str) -> ApiError:
        message = f"{why} Wait for one of them, then send this again."
        return ApiError(self._code, message, headers={"Retry-After": str(_COME_BACK_S)})


def init_app(app: Flask, chosen: Settings) -> None:
    """Give the application its places. An eighth of the threads is always for the rest."""
    app.extensions[NAME] = places(chosen)
    app.teardown_request(_give_back)


def places(chosen: Settings) -> tuple[Slots, Slots]:
    """What these settings allow, all of it free: places of probes, and of those who wait for news."""
    in_all = min(chosen.probes_at_once, max(1, chosen.threads * 3 // 4))
    waiting = max(1, chosen.threads // _OF_THE_THREADS)
    return (
        Slots(in_all, chosen.probes_per_caller, "too_many_probes", "probes running"),
        Slots(waiting, max(1, waiting // 2), "rate_limited", "calls waiting for news"),
    )


def take_for(actor: Actor) -> None:
    """Take a place for the request at hand if it probes or waits. ApiError 429 where there is none."""
    slots = _wanted()
    if slots is None or "probe_slot" in g:
        return
    who = f"{actor.kind}:{actor.id}"
    slots.take(who)
    g.probe_slot = partial(slots.give_back, who)
    after_this_request(_keep_while_streaming)


def _wanted() -> Slots | None:
    probing, waiting = current_app.extensions[NAME]
    if request.endpoint in PROBING:
        return cast(Slots, probing)
    waits = request.endpoint == _FEED and request.args.get("wait", "0") != "0"
    return cast(Slots, waiting) if waits else None


def _keep_while_streaming(response: Response) -> Response:
    """Flask ends the request before it sends a stream; its probe runs until the server closes the answer."""
    if response.is_streamed and "probe_slot" in g:
        response.call_on_close(g.pop("probe_slot"))
    return response


def _give_back(_error: BaseException | None) -> None:
    leave = g.pop("probe_slot", None)
    if leave is not None:
        leave()
