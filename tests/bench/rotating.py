"""Many models of one endpoint: their key rotated where a call takes 200 ms, and 200 registered in one call.

A full probe makes some 11 calls, and an endpoint gets at most eight at once (MUSTER_PROBE_CALLS_AT_ONCE): the
200 take 14 / 8 × 200 = 350 times a call's latency at the least. That is why their endpoint answers in 50 ms;
at 200 ms they take 70 s, whatever Muster does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import requests

from app.practice.models import KEY
from tests.bench.databases import KINDS, databases
from tests.bench.endpoint import slow_endpoint
from tests.bench.measuring import Finding, seconds
from tests.bench.probing import LATENCY_S, MODEL
from tests.bench.serving import running
from tests.load.running import Running

ROTATED, REGISTERED = 50, 200
QUICK_S = 0.05
SIDE_BY_SIDE = 8


def models(count: int, first: int = 0) -> list[dict[str, Any]]:
    """So many models of the endpoint, each under a slug of its own."""
    return [
        {"model_id": f"m-{first + n}", "model_type": "chat", "configuration": {"model_id": MODEL}}
        for n in range(count)
    ]


def registered(muster: Running, client: requests.Session, base_url: str, many: list[dict[str, Any]]) -> str:
    """Register them in one call; gives the endpoint's id."""
    body = {"base_url": base_url, "api_key": KEY, "region": "here", "models": many}
    answer = client.post(f"{muster.url}/v2/endpoints", json=body, timeout=300)
    assert answer.status_code == 200, answer.text[:500]
    assert [one["outcome"] for one in answer.json()["results"]] == ["registered"] * len(many)
    return str(answer.json()["endpoint"]["id"])


def rotate(muster: Running, client: requests.Session, id: str, turn: int) -> None:
    """Another header, which is proven with every model and stored for all as another key is."""
    change = {"headers": {"X-Turn": f"turn {turn}"}}
    answer = client.patch(f"{muster.url}/v2/endpoints/{id}", json=change, timeout=60)
    assert answer.status_code == 200, answer.text[:500]


def measure() -> Iterator[Finding]:
    """For each database, with the server as `muster serve` starts it."""
    with databases() as made, slow_endpoint(LATENCY_S) as url, slow_endpoint(QUICK_S) as other:
        for kind in KINDS:
            folder = made.folder / f"rotating-{kind}"
            with (
                running(folder, made.new(kind), practice=False, watch_seconds=300) as muster,
                muster.session() as client,
            ):
                id = registered(muster, client, url, models(ROTATED))
                once = [seconds(partial(rotate, muster, client, id, turn)) for turn in range(3)]
                yield Finding(
                    f"what proves a new key with {ROTATED} models, {kind}", sorted(once)[1], "s", at_most=3
                )
                alone = [partial(registered, muster, client, other, models(1, 1000 + n)) for n in range(3)]
                single = [seconds(one) for one in alone]
                bound = 1.5 * max(single) + REGISTERED / SIDE_BY_SIDE
                took = seconds(partial(registered, muster, client, other, models(REGISTERED, 2000)))
                yield Finding(f"{REGISTERED} models in one call, {kind}", took, "s", at_most=bound)
