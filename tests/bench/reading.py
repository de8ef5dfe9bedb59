"""Requests a second: a model by id, and the longest page of the list, against a bare Flask route that sends
the same bytes under the same server settings and looks at no token."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.bare import bare_server, served
from tests.bench.databases import KINDS, databases
from tests.bench.loading import rate
from tests.bench.measuring import Finding, median_ratio, side_by_side
from tests.bench.serving import running
from tests.bench.stock import fill
from tests.load.running import Running

ROUNDS = 5
SLICE_S = 2.0
MODELS = 500
"""The longest page: a longer list is sent in pieces as it is read."""
# So many lists are more than the server's processes keep together: each is made when it is asked for. All
# are the whole list, under as many addresses: blanks alone search for nothing.
NOT_KEPT = 97
ONE = 0.4
"""Of a bare Flask route, which has no token to look at, no rates to count and no database."""
A_LIST = 0.5
"""Of sending the same bytes as a constant."""
UNCHANGED = 10
"""Times the list as it is made, for a caller who has it. Of the list that a process has kept since nothing
changed, that can't be: with the bound above it would be five times constant bytes, and an empty answer of a
bare route does not reach two. Both are shown.
"""
# Rates are counted as they are by default, only with a bound that this does not reach.
MANY_REQUESTS = 1_000_000


def measure() -> Iterator[Finding]:
    """For each database."""
    with databases() as made:
        for kind in KINDS:
            folder = made.folder / f"muster-{kind}"
            with running(
                folder, made.new(kind), rate_limit=MANY_REQUESTS, workers=1, watch_seconds=300
            ) as muster:
                fill(muster, MODELS)
                yield from _compare(muster, folder, kind)


def _compare(muster: Running, folder: Path, kind: str) -> Iterator[Finding]:
    listing = f"{muster.url}/v2/models?limit={MODELS}"
    with muster.session() as client:
        answer = client.get(listing, timeout=60)
        every, etag = answer.content, answer.headers["ETag"]
        one = f"{muster.url}/v2/models/{answer.json()[MODELS // 2]['id']}"
        document = client.get(one, timeout=60).content
        anew = [f"{listing}&q={'%20' * blanks}" for blanks in range(1, NOT_KEPT + 1)]
        whole = client.get(anew[-1], timeout=60).json()
    assert len(answer.json()) == len(whole) == MODELS
    auth = {"Authorization": f"Bearer {muster.token}"}
    selects = served("tests.bench.selects", str(folder / "instance"), muster.database_url)
    with bare_server(folder, document, every, b"") as bare, selects as selecting:
        by_id, selected, same_bytes, listed, constant, unchanged, made, empty = side_by_side(
            ROUNDS,
            lambda: rate([one], auth, SLICE_S),
            lambda: rate([f"{selecting}/{one.rpartition('/')[2]}"], auth, SLICE_S),
            lambda: rate([f"{bare}/0"], {}, SLICE_S),
            lambda: rate([listing], auth, SLICE_S),
            lambda: rate([f"{bare}/1"], {}, SLICE_S),
            lambda: rate([listing], auth | {"If-None-Match": etag}, SLICE_S, status=304),
            lambda: rate(anew, auth, SLICE_S),
            lambda: rate([f"{bare}/2"], {}, SLICE_S),
        )
    yield Finding(f"GET by id, {kind}", statistics.median(by_id), "/s")
    yield Finding("  as a ratio to a bare route", median_ratio(by_id, same_bytes), "x", at_least=ONE)
    yield Finding(
        "  what a route that only does the two selects has there", median_ratio(selected, same_bytes), "x"
    )
    yield Finding("  as a ratio to that route", median_ratio(by_id, selected), "x")
    yield Finding(f"list of {MODELS} ({len(every) // 1000} kB), {kind}", statistics.median(listed), "/s")
    yield Finding("  as a ratio to constant bytes", median_ratio(listed, constant), "x", at_least=A_LIST)
    yield Finding(f"the same with If-None-Match, {kind}", statistics.median(unchanged), "/s")
    yield Finding(
        "  as a ratio to the list where it has to be made",
        median_ratio(unchanged, made),
        "x",
        at_least=UNCHANGED,
    )
    yield Finding("  what an empty answer of a bare route has there", median_ratio(empty, made), "x")
    yield Finding("  as a ratio to the list where it is kept", median_ratio(unchanged, listed), "x")
    yield Finding("  what an empty answer of a bare route has there", median_ratio(empty, listed), "x")
    yield Finding(
        f"  as a ratio to constant bytes, of which {UNCHANGED * A_LIST:g} are asked for",
        median_ratio(unchanged, constant),
        "x",
    )
    yield Finding("  what an empty answer of a bare route has there", median_ratio(empty, constant), "x")
