"""Every pattern of the program is quick on text that is made to cost: what callers, endpoints and files say.

Those of the probe, which reads whole bodies, are timed at their own lengths in probe/reading.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT
from tests.probe.reading.test_hostile_text import UNITS, seconds

LONGEST = 20_000
"""Characters of the longest text that one meets: a prompt."""
ENOUGH_S = 0.5
MORE = ("a@", "@", ":", "x:", "mailto:", "https://", "/", "a/", "=", "a=", "&a=", "%", "env://", "a b", "{{", "}",
        "os.environ/", ".", "*.", ",", "#", "$", "`", "0-", "2026-", "\t", "\r\n", "é")  # fmt: skip
CALLS = frozenset({"compile", "fullmatch", "match", "search", "sub", "findall", "finditer", "split"})


def literals() -> Iterator[tuple[str, str]]:
    """Where a pattern stands, and the pattern: each that a module gives to `re` as it is written there."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place.startswith(("app/probe/", "app/practice/", "app/store/migrations/")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_of_re(node.func) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{place}:{node.lineno}", first.value


def _is_of_re(called: ast.expr) -> bool:
    is_attribute = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return is_attribute and called.value.id == "re" and called.attr in CALLS  # type: ignore[attr-defined]


PATTERNS = dict(literals())


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 15 and any("watch" in Path(place).parts[1] or "web" in place for place in PATTERNS)


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_is_linear(place: str) -> None:
    pattern = re.compile(PATTERNS[place])
    slow = []
    for unit in (*UNITS, *MORE):
        for text in (unit * (LONGEST // len(unit)), "x" + unit * (LONGEST // len(unit)) + "\0"):
            taken = seconds(lambda text=text: (pattern.search(text), pattern.fullmatch(text)))  # type: ignore[misc]
            if taken > ENOUGH_S:
                slow.append((unit, round(taken, 2)))
    assert slow == [], PATTERNS[place]
