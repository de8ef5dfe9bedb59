"""Changes the rules of diagnosis and negotiation, one small thing at a time: do the tests notice?

    python -m tests.mutate                  a sample of 120 changes, the same every time
    python -m tests.mutate --all            every change (about an hour on two cores)
    python -m tests.mutate --count 60 --jobs 1 --module app.probe.negotiation

Nothing in the tree is touched: each mutant lives in a process of its own, which works on a copy of the tree,
imports the changed module from memory and runs the mirrored unit tests. Ends with 1 where less than 90 % were
noticed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, TimeoutExpired, run
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
_WORDS = ("tests/probe/diagnosis/test_diagnosis.py", "tests/probe/test_corpus.py")
TESTS = {
    "app.probe.reading.wordings": _WORDS,
    "app.probe.reading.meaning": _WORDS,
    "app.probe.negotiation": ("tests/probe/test_negotiation.py",),
}
ENOUGH = 0.9
SEED = 2025
TIMEOUT_S = 180
Offer = tuple[str, Callable[[], object]]
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_NEXT: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True)
class Mutant:
    """A changed module: where, what, and its source."""

    module: str
    line: int
    what: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every single change of a module that `offers` knows."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8"))
    types = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Subscript) for part in ast.walk(node)
    }
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in types:  # `Literal[...]` is for the type checker, not for the tests
            continue
        for number, (what, _) in enumerate(offers(node)):
            changed = deepcopy(tree)
            target = next(other for index, other in enumerate(ast.walk(changed)) if index == place)
            offers(target)[number][1]()
            source = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(module, getattr(node, "lineno", 0), what, source)


def offers(node: ast.AST) -> list[Offer]:
    """The changes that a node offers: a sentence, and what makes it, in place."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return list(_of_call(node, node.func.id))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return list(_of_comparison(node))
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return [("and/or exchanged", partial(setattr, node, "op", other))]
    if isinstance(node, ast.If | ast.IfExp):
        negated = ast.UnaryOp(ast.Not(), node.test)
        return [(f"negated: {ast.unparse(node.test)[:60]}", partial(setattr, node, "test", negated))]
    if isinstance(node, ast.Set | ast.Tuple):
        return list(_of_elements(node))
    if isinstance(node, ast.Dict):
        return list(_of_pairs(node))
    if isinstance(node, ast.FunctionDef) and node.returns and "None" in ast.unparse(node.returns):
        nothing = [ast.Return(ast.Constant(None))]
        return [(f"{node.name} gives None", partial(setattr, node, "body", nothing))]
    return list(_of_number(node))


def _of_call(node: ast.Call, name: str) -> Iterator[Offer]:
    if name in ("any_of", "lowered") and len(node.args) > 1:
        for index, wording in enumerate(node.args):
            yield f"without the wording {ast.unparse(wording)[:70]}", partial(node.args.pop, index)
    if name in ("Rule", "Judgement") and node.args and isinstance(node.args[0], ast.Constant):
        other = "filtered" if node.args[0].value != "filtered" else "shape"
        meaning = ast.Constant(other)
        yield f"{node.args[0].value!r} means another thing", partial(node.args.__setitem__, 0, meaning)
        for index, keyword in enumerate(node.keywords):
            yield f"{node.args[0].value!r} without {keyword.arg}", partial(node.keywords.pop, index)


def _of_comparison(node: ast.Compare) -> Iterator[Offer]:
    for table in (_OPPOSITE, _NEXT):
        other = table.get(type(node.ops[0]))
        if other is not None:
            yield f"{ast.unparse(node)[:60]} as {other.__name__}", partial(node.ops.__setitem__, 0, other())


def _of_elements(node: ast.Set | ast.Tuple) -> Iterator[Offer]:
    """An element less, of statuses and names; of the rules also two neighbours exchanged."""
    rules = all(isinstance(element, ast.Call) for element in node.elts)
    if len(node.elts) < 2 or not rules and not all(isinstance(e, ast.Constant) for e in node.elts):
        return
    for index, element in enumerate(node.elts):
        yield f"without {ast.unparse(element)[:40]}", partial(node.elts.pop, index)
        if rules and index:
            yield f"rules {index - 1} and {index} exchanged", partial(_exchange, node.elts, index)


def _exchange(elements: list[ast.expr], index: int) -> None:
    elements[index - 1], elements[index] = elements[index], elements[index - 1]


def _of_pairs(node: ast.Dict) -> Iterator[Offer]:
    for index, key in enumerate(node.keys):
        if isinstance(key, ast.Constant) and len(node.keys) > 1:
            yield f"without the row {key.value!r}", partial(_without, node, index)


def _without(node: ast.Dict, index: int) -> None:
    del node.keys[index], node.values[index]


def _of_number(node: ast.AST) -> Iterator[Offer]:
    if isinstance(node, ast.Assign | ast.BinOp):
        name = "value" if isinstance(node, ast.Assign) else "right"
        number = getattr(node, name)
        if isinstance(number, ast.Constant) and isinstance(number.value, int):
            more = ast.Constant(number.value + 1)
            yield f"{ast.unparse(node)[:50]}: one more", partial(setattr, node, name, more)


class _FromMemory(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a given source."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, f"<mutant of {self.name}>", "exec"), module.__dict__)


def try_mutant() -> int:
    """In the mutant's own process: the module's name and source come as JSON, the tests' verdict goes out."""
    name, source = json.load(sys.stdin)
    sys.meta_path.insert(0, _FromMemory(name, source))
    return int(pytest.main(["-x", "-q", "--noconftest", "-p", "no:cacheprovider", *TESTS[name]]))


def copied(to: Path) -> Path:
    """A copy of what the tests need, so that nobody's later change to the tree is taken for the mutant's."""
    for folder in ("app", "tests/probe"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/mutate.py"):
        shutil.copy(ROOT / file, to / file)
    return to


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Whether the tests in a copy of the tree fail with this mutant (or never end)."""
    try:
        ended = run(
            [sys.executable, "-m", "tests.mutate", "--try"],
            input=json.dumps([mutant.module, mutant.source]),
            text=True,
            cwd=tree,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=DEVNULL,
            stderr=DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except TimeoutExpired:
        return True
    return ended.returncode != 0


def sample(modules: Sequence[str], count: int | None) -> list[Mutant]:
    """All mutants, or as many of each module as its share is; the same at every call."""
    every = {module: list(mutants(module)) for module in modules}
    if count is None:
        return [mutant for found in every.values() for mutant in found]
    chosen: list[Mutant] = []
    for module, found in every.items():
        share = min(len(found), round(count / len(modules)))
        chosen += random.Random(f"{SEED} {module}").sample(found, share)
    return chosen


def main() -> int:
    """Try them, tell which were not noticed, and how many were."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=120, help="how many (of each module as many)")
    parser.add_argument("--all", action="store_true", help="all there are")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--module", action="append", choices=list(TESTS), help="only this module")
    parser.add_argument("--try", action="store_true", dest="one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        return try_mutant()
    modules = chosen.module or list(TESTS)
    unchanged = [Mutant(m, 0, "", (ROOT / (m.replace(".", "/") + ".py")).read_text("utf-8")) for m in modules]
    tried = sample(modules, None if chosen.all else chosen.count)
    with TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        try_one = partial(is_noticed, tree=copied(Path(folder)))
        if any(pool.map(try_one, unchanged)):
            sys.exit("The tests fail without any change: fix them first.")
        noticed = list(pool.map(try_one, tried))
    for mutant, seen in zip(tried, noticed, strict=True):
        if not seen:
            sys.stdout.write(f"not noticed: {mutant.module}:{mutant.line} {mutant.what}\n")
    share = sum(noticed) / len(tried)
    sys.stdout.write(f"{sum(noticed)} of {len(tried)} changes were noticed ({share:.0%}).\n")
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
