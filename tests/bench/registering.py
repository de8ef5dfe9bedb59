"""A registration through the JSON API at an endpoint with 200 ms latency a call, against one plain call."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import count

import requests

from app.practice.models import KEY
from tests.bench.databases import KINDS, databases
from tests.bench.endpoint import slow_endpoint
from tests.bench.measuring import Finding, median_ratio, seconds, side_by_side
from tests.bench.probing import LATENCY_S, MODEL, plain_call
from tests.bench.serving import running
from tests.load.running import Running

ROUNDS = 9
_numbers = count(1)


def register(muster: Running, client: requests.Session, base_url: str) -> None:
    """One POST with all its checks, under a slug of its own."""
    body = {
        "api_key": KEY, "base_url": base_url, "display_name": "Bench", "model_id": f"bench-{next(_numbers)}",
        "configuration": {"model_id": MODEL}, "model_type": "chat", "region": "here",
    }  # fmt: skip
    answer = client.post(f"{muster.url}/v2/models/openai-like", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["metadata"]["supports_json_schema_response_format"] is True


def measure() -> Iterator[Finding]:
    """For each database, with the server as `muster serve` starts it."""
    with databases() as made, slow_endpoint(LATENCY_S) as url:
        for kind in KINDS:
            folder = made.folder / f"muster-{kind}"
            with (
                running(folder, made.new(kind), practice=False, watch_seconds=300) as muster,
                muster.session() as client,
            ):
                register(muster, client, url)
                plain, posts = side_by_side(
                    ROUNDS,
                    lambda: seconds(lambda: plain_call(url)),
                    lambda: seconds(lambda: register(muster, client, url)),
                )
                yield Finding(
                    f"a registration at such an endpoint, {kind}", statistics.median(posts), "s", at_most=1.5
                )
                yield Finding("  the slowest of them", max(posts), "s", at_most=1.5)
                yield Finding("  as a ratio to one plain call", median_ratio(posts, plain), "x", at_most=4)
