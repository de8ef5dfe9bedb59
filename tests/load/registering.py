"""Many registrations at once, and the memory that the server holds meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import requests

from app.practice.models import KEY
from tests.load.running import Running

JSON = Any


def body_for(base_url: str, number: int) -> dict[str, JSON]:
    """A request that registers the practice chat model of one endpoint."""
    return {
        "api_key": KEY, "base_url": base_url, "display_name": f"Number {number}",
        "model_id": f"chat-{number}", "configuration": {"model_id": "practice-chat"},
        "model_type": "chat", "region": "here",
    }  # fmt: skip


def register_all(muster: Running, urls: Sequence[str]) -> list[requests.Response]:
    """The answers to a registration at each of these endpoints, all asked for at once."""

    def register(number: int) -> requests.Response:
        return requests.post(
            f"{muster.url}/v2/models/openai-like",
            json=body_for(urls[number], number),
            headers={"Authorization": f"Bearer {muster.token}"},
            timeout=300,
        )

    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(register, range(len(urls))))


@contextmanager
def memory_watched(muster: Running) -> Iterator[list[int]]:
    """Bytes that the server held, looked at several times a second while the block runs."""
    seen: list[int] = [muster.memory()]
    try:
        with _again_and_again(lambda: seen.append(muster.memory())):
            yield seen
    finally:
        seen.append(muster.memory())


@contextmanager
def health_timed(muster: Running) -> Iterator[list[float]]:
    """Seconds that /healthz took, asked again and again while the block runs."""
    took: list[float] = []

    def ask() -> None:
        took.append(requests.get(f"{muster.url}/healthz", timeout=30).elapsed.total_seconds())

    with _again_and_again(ask):
        yield took


@contextmanager
def _again_and_again(act: Callable[[], None]) -> Iterator[None]:
    """Do it several times a second while the block runs."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.1):
            act()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
