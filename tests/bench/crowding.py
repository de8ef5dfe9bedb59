"""200 registrations at once at 200 endpoints that take 5 s a call, and the pages meanwhile.

By several callers: one alone may not have so many at once (`MUSTER_PROBES_PER_CALLER`).
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator

from tests.bench.databases import KINDS, databases
from tests.bench.measuring import Finding
from tests.bench.serving import running
from tests.load.crowd import crowd
from tests.load.looking import looking
from tests.load.registering import register_all
from tests.load.running import Running

REGISTRATIONS = 200
CALLERS = 8
DELAY_S = 5.0
PATHS = ("/models", "/models/new", "/healthz")


def measure() -> Iterator[Finding]:
    """For each database, with the server's own settings."""
    with databases() as made:
        for kind in KINDS:
            folder = made.folder / f"muster-{kind}"
            with (
                running(folder, made.new(kind), practice=False, watch_seconds=300) as muster,
                crowd("slow", REGISTRATIONS, DELAY_S) as urls,
            ):
                yield from _crowd(muster, urls, kind)


def _crowd(muster: Running, urls: list[str], kind: str) -> Iterator[Finding]:
    with muster.browser() as browser, looking(muster, browser, PATHS) as looks:
        tokens = [muster.new_token("write") for _ in range(CALLERS)]
        time.sleep(2)
        begun = time.perf_counter()
        answers = register_all(muster, urls, tokens)
        took = time.perf_counter() - begun
    statuses = Counter(answer.status_code for answer in answers)
    with muster.session() as client:
        kept = {model["id"] for model in client.get(f"{muster.url}/v2/models", timeout=60).json()}
    lost = [answer for answer in answers if answer.status_code != 200 or answer.json()["id"] not in kept]
    if lost:
        print(f"  statuses {dict(statuses)}; one that was lost: {lost[0].text[:600]}")
    pages = [look.seconds for look in looks]
    wrong = [look for look in looks if look.status != 200]
    yield Finding(f"{REGISTRATIONS} registrations at once, all done after, {kind}", took, "s", at_most=30)
    yield Finding("  lost", len(lost), "", at_most=0)
    yield Finding(f"  the slowest of {len(pages)} pages meanwhile", max(pages), "s", at_most=1)
    yield Finding("  the median of them", statistics.median(pages), "s")
    yield Finding("  pages that failed", len(wrong), "", at_most=0)
