"""Many registrations at once, and somebody who looks at pages meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import requests

from app.practice_models import KEY
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


class Looker:
    """Asks for pages again and again; `took` are the seconds that each answer took, by path."""

    def __init__(self, muster: Running, client: requests.Session, paths: Sequence[str]) -> None:
        self.took: list[tuple[float, str, int]] = []
        self._muster, self._client, self._paths = muster, client, paths
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.is_set():
            for path in self._paths:
                begun = time.perf_counter()
                # A connection of its own each time, as people come.
                answer = requests.get(
                    self._muster.url + path,
                    headers=self._client.headers,
                    cookies=self._client.cookies,
                    timeout=60,
                )
                self.took.append((time.perf_counter() - begun, path, answer.status_code))
            self._ended.wait(0.2)

    def __enter__(self) -> Looker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def memory_watched(muster: Running) -> Iterator[list[int]]:
    """Bytes that the server held, looked at several times a second while the block runs."""
    seen: list[int] = [muster.memory()]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            seen.append(muster.memory())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
        seen.append(muster.memory())
