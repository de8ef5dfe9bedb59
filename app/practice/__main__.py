"""`python -m app.practice`: the practice endpoint on its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from app.practice.api import Practice
from app.practice.models import KEY, MODELS
from app.practice.parent import end_with
from app.practice.server import PracticeServer

PORT = 8099


def serve(host: str = "127.0.0.1", port: int = PORT) -> None:
    """Serve the practice endpoint until the process is interrupted. OSError where the port is taken."""
    with PracticeServer(Practice().respond, host, port) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m app.practice`."""
    parser = argparse.ArgumentParser(prog="python -m app.practice", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    typed = parser.parse_args(arguments)
    if typed.parent is not None:
        end_with(typed.parent)
    names = ", ".join(model.id for model in MODELS)
    sys.stdout.write(f"Practice endpoint: http://{typed.host}:{typed.port}/v1  key: {KEY}\nModels: {names}\n")
    sys.stdout.flush()
    serve(typed.host, typed.port)


if __name__ == "__main__":
    main()
