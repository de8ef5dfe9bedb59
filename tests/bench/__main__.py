"""`python -m tests.bench [NAME…]`: run the measurements, print what they found; exit code 1 where a bound
was broken. PYTHONPATH of the caller is not needed; nothing outlives the run but the cache of LiteLLM."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence

from tests.bench import (
    crowding,
    editing,
    identity,
    listing,
    probing,
    reading,
    registering,
    rotating,
    scaling,
    watching,
    yearly,
)
from tests.bench.measuring import Finding, Remark

MEASUREMENTS: dict[str, Callable[[], Iterator[Finding | Remark]]] = {
    "probing": probing.measure,
    "registering": registering.measure,
    "rotating": rotating.measure,
    "crowding": crowding.measure,
    "editing": editing.measure,
    "reading": reading.measure,
    "scaling": scaling.measure,
    "watching": watching.measure,
    "yearly": yearly.measure,
    "identity": identity.measure,
    "listing": listing.measure,
}


def main(names: Sequence[str]) -> int:
    """Run those named, or all; the exit code."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"There is no measurement {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}.")
        return 2
    broken = []
    for name in names or MEASUREMENTS:
        begun = time.monotonic()
        print(f"\n{name}", flush=True)
        for finding in MEASUREMENTS[name]():
            print(finding, flush=True)
            broken += [] if finding.kept else [finding]
        print(f"  ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"\n{len(broken)} of the bounds were broken." if broken else "\nEvery bound was kept.")
    for finding in broken:
        print(finding)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
