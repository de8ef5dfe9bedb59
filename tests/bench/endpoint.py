"""A good endpoint that takes its time, in a process of its own: `python -m tests.bench.endpoint 0.2`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request


def respond_late(practice: Practice, delay_s: float, request: Request) -> Reply:
    """Wait, then answer."""
    time.sleep(delay_s)
    return practice.respond(request)


@contextmanager
def slow_endpoint(delay_s: float) -> Iterator[str]:
    """The practice endpoint with this much latency a call, until the block ends; gives its base URL."""
    command = [sys.executable, "-m", "tests.bench.endpoint", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
        finally:
            child.kill()


def main() -> None:
    """Serve until the process is ended; the first line printed is the base URL."""
    with PracticeServer(partial(respond_late, Practice(), float(sys.argv[1]))) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}/v1\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
