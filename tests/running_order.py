"""The order in which the files of the tests run. With all that wait at the beginning, both cores were idle
for half of a run's first minutes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

WAITING = (
    "tests/browser/", "tests/cli/", "tests/clients/", "tests/deploy/", "tests/load/",
    "tests/store/test_postgres_as_used.py", "tests/test_own_behaviours.py", "tests/test_packaging.py",
    "tests/test_recipes.py", "tests/test_second_round.py", "tests/test_secrecy.py",
    "tests/watch/test_engine.py", "tests/web/api/test_schemathesis.py",
)  # fmt: skip
"""Files that mostly wait, for servers, browsers and time to pass."""
EVERY = 4
"""One file in so many is one of them, until there are none left."""


def mixed(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Files that wait between those that compute, so that the cores have work throughout a run, and none of
    the long ones at its end."""
    by_file: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        by_file[item.path].append(item)
    waiting = [file for file in by_file.values() if file[0].nodeid.startswith(WAITING)]
    order = [file for file in by_file.values() if file not in waiting]
    for number, file in enumerate(waiting):
        order.insert(number * EVERY, file)
    return [item for file in order for item in file]
