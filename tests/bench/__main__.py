"""Runs every bench and ends with 1 where one does not hold."""

from __future__ import annotations

import sys

from tests.bench import registration

BENCHES = (registration,)


def main() -> int:
    """Print a line per figure."""
    held = True
    for bench in BENCHES:
        for line in bench.run():
            held = held and line.holds
            yardstick = f"{line.yardstick} ({line.yardstick_seconds * 1000:.0f} ms)"
            said = f"{line.what}: {line.seconds * 1000:.0f} ms = {line.ratio:.2f} x {yardstick}"
            print("ok  " if line.holds else "SLOW", f"{said}, at most {line.at_most:g} x")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
