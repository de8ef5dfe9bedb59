"""A registry of 100,000 models beside one of 100: reading, searching, registering, the pages."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from itertools import count

import requests

from tests.bench.databases import KINDS, databases
from tests.bench.loading import rate
from tests.bench.measuring import Finding, median_ratio, seconds, side_by_side
from tests.bench.registering import register
from tests.bench.serving import running
from tests.bench.stock import fill, fill_probes, register_one
from tests.load.running import Running

FEW, MANY, PROBES = 100, 100_000, 5000
ROUNDS = 7
POSTS = 15
SLICE_S = 2.0
SEARCHES = {
    "one model": ("llama-054320", 1),
    "a tenth of all": ("mistral", 50),
    "all": ("example.com", 50),
    "none": ("nothing-like-this", 0),
    "one in any letter case": ("QWEN NUMBER 54321", 1),
}
"""What is looked for, and how many models a page of 50 has of it."""


def measure() -> Iterator[Finding]:
    """For each database, the small and the large registry in turns."""
    with databases() as made:
        for kind in KINDS:
            folder = made.folder
            with (
                running(folder / f"few-{kind}", made.new(kind), watch_seconds=300) as few,
                running(folder / f"many-{kind}", made.new(kind), watch_seconds=300) as many,
            ):
                fill(few, FEW)
                yield Finding(
                    f"filling and reading {MANY:,} models, {kind}", seconds(lambda: fill(many, MANY)), "s"
                )
                yield from _reading(few, many, kind)
                yield from _registering(few, many, kind)
                yield from _searching(many, kind)
                yield from _pages(many, kind)


def _some_documents(muster: Running) -> list[str]:
    """The URLs of up to 500 models from the whole age of the registry."""
    ids: list[str] = []
    url: str | None = f"{muster.url}/v2/models?limit=500"
    with muster.session() as client:
        while url:
            answer = client.get(url, timeout=60)
            ids += [model["id"] for model in answer.json()]
            url = answer.links.get("next", {}).get("url")
    return [f"{muster.url}/v2/models/{id}" for id in ids[:: max(1, len(ids) // 500)]]


def _reading(few: Running, many: Running, kind: str) -> Iterator[Finding]:
    urls = {muster.url: _some_documents(muster) for muster in (few, many)}

    def cost(muster: Running) -> float:
        return 1 / rate(urls[muster.url], {"Authorization": f"Bearer {muster.token}"}, SLICE_S)

    small, large = side_by_side(ROUNDS, partial(cost, few), partial(cost, many))
    yield Finding(f"GET by id with 100,000, {kind}", 1000 * statistics.median(large), "ms")
    yield Finding("  as a ratio to that with 100", median_ratio(large, small), "x", at_most=1.3)


def _registering(few: Running, many: Running, kind: str) -> Iterator[Finding]:
    with few.session() as one, many.session() as other:
        small, large = side_by_side(
            POSTS,
            lambda: seconds(lambda: register(few, one, few.practice_url)),
            lambda: seconds(lambda: register(many, other, many.practice_url)),
        )
    yield Finding(f"a registration with 100,000, {kind}", 1000 * statistics.median(large), "ms")
    ratio = statistics.median(large) / statistics.median(small)
    yield Finding("  as a ratio to one with 100", ratio, "x", at_most=1.1)


def _searching(many: Running, kind: str) -> Iterator[Finding]:
    with many.session() as client:
        for name, (sought, found) in SEARCHES.items():
            url = f"{many.url}/v2/models"
            assert len(client.get(url, params={"limit": "50", "q": sought}, timeout=60).json()) == found, name
            took = _milliseconds(client, url, {"limit": "50", "q": sought})
            yield Finding(f"a page of 50 that finds {name}, {kind}", took, "ms", at_most=100)


def _pages(many: Running, kind: str) -> Iterator[Finding]:
    id = register_one(many, slug="often-probed")
    fill_probes(many, id, PROBES)
    with many.browser() as client:
        for name, query in [("list page", {}), ("list page with a search", {"q": "mistral"})]:
            took = _milliseconds(client, f"{many.url}/models", query)
            yield Finding(f"{name} with 100,000, {kind}", took, "ms", at_most=150)
        took = _milliseconds(client, f"{many.url}/models/{id}", {})
        yield Finding(f"detail page with {PROBES:,} probes, {kind}", took, "ms", at_most=100)


def _milliseconds(client: requests.Session, url: str, query: dict[str, str]) -> float:
    """The median of some requests, one after the other; each asks in other words, so none is kept ready."""
    blanks = count()

    def ask() -> None:
        words = {"q": query["q"] + " " * next(blanks)} if "q" in query else {}
        answer = client.get(url, params=query | words, timeout=60)
        assert answer.status_code == requests.codes.ok, answer.text

    ask()
    return 1000 * statistics.median(seconds(ask) for _ in range(2 * ROUNDS))
