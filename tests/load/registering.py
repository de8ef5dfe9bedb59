"""Many registrations at once, and the memory that the server holds meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import requests

from app.practice.models import KEY
from tests.load.running import Running

JSON = Any
T = TypeVar("T")


def body_for(base_url: str, number: int) -> dict[str, JSON]:
    """A request that registers the practice chat model of one endpoint."""
    return {
        "api_key": KEY, "base_url": base_url, "display_name": f"Number {number}",
        "model_id": f"chat-{number}", "configuration": {"model_id": "practice-chat"},
        "model_type": "chat", "region": "here",
    }  # fmt: skip


def register_all(muster: Running, urls: Sequence[str], tokens: Sequence[str] = ()) -> list[requests.Response]:
    """The answers to a registration at each of these endpoints, all asked for at once with these tokens in
    turn; by default with the server's own.
    """
    having = tokens or [muster.token]

    def register(number: int) -> requests.Response:
        return requests.post(
            f"{muster.url}/v2/models/openai-like",
            json=body_for(urls[number], number),
            headers={"Authorization": f"Bearer {having[number % len(having)]}"},
            timeout=300,
        )

    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(register, range(len(urls))))


@contextmanager
def _repeated(what: Callable[[], T]) -> Iterator[list[T]]:
    """What a function gives, asked several times a second while the block runs; its error is the block's."""
    found: list[T] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            found.append(what())

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield found
        finally:
            ended.set()
        asking.result()


@contextmanager
def memory_watched(muster: Running) -> Iterator[list[int]]:
    """Bytes that the server held, looked at several times a second while the block runs, before and after."""
    before = muster.memory()
    with _repeated(muster.memory) as seen:
        seen.insert(0, before)
        yield seen
    seen.append(muster.memory())


@contextmanager
def health_timed(muster: Running) -> Iterator[list[float]]:
    """Seconds that /healthz took, asked again and again while the block runs."""

    def ask() -> float:
        return requests.get(f"{muster.url}/healthz", timeout=30).elapsed.total_seconds()

    with _repeated(ask) as took:
        yield took
