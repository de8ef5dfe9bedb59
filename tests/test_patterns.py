"""Every pattern of the program is quick on text that is made to cost: what callers, endpoints and files say.

Those that the probe compiles, to read whole bodies, are timed at their own lengths in probe/reading.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from app.config import ROOT
from tests.probe.reading.test_hostile_text import UNITS, longest_s, seconds

LONGEST = 20_000
"""Characters of the longest text that one meets: a prompt."""
ENOUGH_S = 0.5
MORE = (
    "a@", "@", ":", "x:", "mailto:", "https://", "/", "a/", "=", "a=", "&a=", "%", "env://", "a b", "{{",
    "count ", "say ", "}", "os.environ/", ".", "*.", ",", "#", "$", "`", "0-", "2026-", "\t", "\r\n", "é",
)  # fmt: skip
_SCANS = frozenset({"search", "sub", "findall", "finditer", "split"})
"""What looks for a pattern from every place of a text on."""
_USES = frozenset({"fullmatch", "match"}) | _SCANS


def patterns() -> Iterator[tuple[str, str, str]]:
    """Where a pattern stands, the pattern and its use: each that a module gives to `re` as a literal."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        source = path.read_text(encoding="utf-8")
        if "import re" in source and not place.startswith("app/store/migrations/"):
            nodes = list(ast.walk(ast.parse(source)))
            named = {id(node.value) for node in nodes if isinstance(node, ast.Assign)}
            for node in nodes:
                if id(node) in named:
                    continue
                for line, text, use in _of(node, source, compiled=not place.startswith("app/probe/")):
                    yield f"{place}:{line}", text, use


def _of(node: ast.AST, source: str, *, compiled: bool) -> Iterator[tuple[int, str, str]]:
    call = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else node
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
        return
    first, called = call.args[0], call.func
    if not (
        isinstance(called.value, ast.Name) and called.value.id == "re" and isinstance(first, ast.Constant)
    ):
        return
    if called.attr in _USES:
        yield call.lineno, str(first.value), called.attr
    elif called.attr == "compile" and node is call:  # made where it is handed on
        yield call.lineno, str(first.value), "match"
    elif (
        compiled
        and called.attr == "compile"
        and isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
    ):
        name = node.targets[0].id
        for use in set(re.findall(rf"\b{name}\.(\w+)\(", source)) & _USES or {"fullmatch"}:
            yield call.lineno, str(first.value), use


PATTERNS = {f"{place} {use}": (text, use) for place, text, use in patterns()}


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 15
    assert {place.split("/")[1] for place in PATTERNS} >= {"web", "registry", "access", "probe", "practice"}


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_is_linear(place: str) -> None:
    text, use = PATTERNS[place]
    ask = getattr(re.compile(text), "search" if use in _SCANS else use)
    longest = LONGEST if not place.startswith("app/practice/") else 4 * LONGEST  # its bodies have 16 MiB
    for unit in (*UNITS, *MORE):
        for before, after in (("", ""), ("x", "\0")):

            def asked(length: int, unit: str = unit, before: str = before, after: str = after) -> object:
                return ask(before + unit * (length // len(unit)) + after)

            # What is worse than a square would not come back from the longest.
            assert seconds(lambda: asked(1000)) < ENOUGH_S, (text, unit)
            assert longest_s(asked, longest, ENOUGH_S) < ENOUGH_S, (text, unit)
