"""Somebody who looks at pages again and again, in a process of their own.

In the process of the clients that keep the server busy they would wait for those clients as well.

`python -m tests.load.looking` reads one line of JSON, `{"urls": […], "headers": {…}}`, asks for the URLs in
turn until its input ends, and prints seconds, URL and status of each answer as a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import requests

from tests.load.running import Running

_PAUSE_S = 0.2


class Look(NamedTuple):
    """One answer."""

    seconds: float
    url: str
    status: int


@contextmanager
def looking(muster: Running, browser: requests.Session, paths: Sequence[str]) -> Iterator[list[Look]]:
    """While the block runs, the pages are looked at; the list is filled when it ends."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    asked = {"urls": [muster.url + path for path in paths], "headers": {"Cookie": cookies}}
    looks: list[Look] = []
    command = [sys.executable, "-m", "tests.load.looking"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps(asked) + "\n")
        child.stdin.flush()
        try:
            yield looks
        finally:
            said, _ = child.communicate()
            looks += [Look(*json.loads(line)) for line in said.splitlines()]


def main() -> None:
    """Look until the input ends."""
    asked = json.loads(sys.stdin.readline())
    ended = threading.Event()

    def await_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=await_end, daemon=True).start()
    while not ended.is_set():
        for url in asked["urls"]:
            begun = time.perf_counter()
            # A connection of its own each time, as people come.
            answer = requests.get(url, headers=asked["headers"], timeout=60)
            line = [time.perf_counter() - begun, url, answer.status_code]
            sys.stdout.write(json.dumps(line) + "\n")
        ended.wait(_PAUSE_S)


if __name__ == "__main__":
    main()
