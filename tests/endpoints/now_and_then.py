"""Ways to fail for a while, or now and then."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from app.practice.wire import Reply, Request

Rule = Callable[[Request], Reply | None]


def at_first(times: int, reply: Reply) -> Rule:
    """This reply to the first few requests, none after them."""
    counted = itertools.count()
    return lambda request: reply if next(counted) < times else None


def new_kinds(times: int, reply: Rule) -> Rule:
    """This reply to the first few requests that were not sent before; the same one again is answered."""
    sent: dict[bytes, None] = {}

    def rule(request: Request) -> Reply | None:
        if request.body in sent or len(sent) >= times:
            return None
        sent[request.body] = None
        return reply(request)

    return rule
