"""How many requests may probe at the same time, so that a web process always has threads for the others.

A probe holds its request's thread for as long as the endpoint takes. A request takes its place after its
caller is known, and gives it back when its answer has gone out, streams included. Each web process counts for
itself, for it is its own threads that are at stake.
"""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

from flask import Flask, Response, current_app, g, request

from app.access.actors import Actor
from app.config import Settings
from app.errors import ApiError

_NAME = "muster_probe_slots"
_COME_BACK_S = 5

PROBING = frozenset(
    {
        "api_models.create_openai_like",
        "api_models.validate_openai_like",
        "api_models.update_openai_like",
        "api_probes.probe_now",
        "api_identity.compare",
        "api_exchange.import_litellm",
        "api_apply.apply",
        "api_endpoints.create_endpoint",
        "api_endpoints.add_models",
        "api_endpoints.change_endpoint",
        "endpoints.many.create",
        "endpoints.many.add",
        "endpoints.change.save",
        "endpoints.change.store_key",
        "register.create",
        "register.change",
        "models.probe_again",
        "models.bulk.act",
        "models.playground.send",
    }
)
"""The routes that wait for endpoints."""


class ProbeSlots:
    """The places of one application."""

    def __init__(self, in_all: int, each: int) -> None:
        self._in_all, self._each = in_all, each
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def take(self, who: str) -> None:
        """Take a place; ApiError 429 where this caller, or all together, have theirs already."""
        with self._lock:
            if self._held[who] >= self._each:
                raise _too_many("You have as many probes running as one caller may at once.")
            if self._held.total() >= self._in_all:
                raise _too_many("As many probes are running as this server may do at once.")
            self._held[who] += 1

    def give_back(self, who: str) -> None:
        """Leave a place to others."""
        with self._lock:
            self._held[who] -= 1
            if not self._held[who]:
                del self._held[who]


def init_app(app: Flask, chosen: Settings) -> None:
    """Give the application its places. A quarter of the threads never probe, whatever the settings say."""
    in_all = min(chosen.probes_at_once, max(1, chosen.threads * 3 // 4))
    app.extensions[_NAME] = ProbeSlots(in_all, chosen.probes_per_caller)
    app.after_request(_keep_while_streaming)
    app.teardown_request(_give_back)


def take_for(actor: Actor) -> None:
    """Take a place for the request at hand if it probes. ApiError 429 where there is none."""
    if request.endpoint not in PROBING or "probe_slot" in g:
        return
    who = f"{actor.kind}:{actor.id}"
    _slots().take(who)
    g.probe_slot = who


def _keep_while_streaming(response: Response) -> Response:
    """Flask ends the request before it sends a stream; its probe runs until the server closes the answer."""
    if response.is_streamed and "probe_slot" in g:
        response.call_on_close(partial(_slots().give_back, g.pop("probe_slot")))
    return response


def _give_back(_error: BaseException | None) -> None:
    who = g.pop("probe_slot", None)
    if who is not None:
        _slots().give_back(who)


def _slots() -> ProbeSlots:
    slots: ProbeSlots = current_app.extensions[_NAME]
    return slots


def _too_many(why: str) -> ApiError:
    message = f"{why} Wait for one of them, then send this again."
    return ApiError("too_many_probes", message, headers={"Retry-After": str(_COME_BACK_S)})
