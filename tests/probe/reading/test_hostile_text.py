"""What an endpoint says may be made to cost time: every reading stays linear, and is quick at its longest.

Processor time of this thread is measured, not the clock: a busy machine makes no difference.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

import app.probe
from app.probe.diagnosis.model_suggestions import which_model
from app.probe.reading.allowed_values import offered
from app.probe.reading.catalog import Catalog
from app.probe.reading.completion.whole import read_completion
from app.probe.reading.error_body import READ
from app.probe.reading.meaning import meaning_of
from app.probe.reading.redaction import without_key
from app.probe.reading.refusal import quote
from tests.probe.answers import JSON, Text, answered, refusal

LONGEST = 2 * READ
"""Characters of the text and the tags of a refusal, which nearly all patterns read."""
LONGER: Mapping[str, int] = {"_MARKUP": 200_000, "_MASK": 2_000_000, "_CODED": 2_000_000}
"""The patterns that read whole bodies, by their names."""
ENOUGH_S = 0.5
UNITS = (
    "a", "A-", "a_", "no_", "no ", "model ", "the model is a ", "invalid ", "x-", '{"', '"', "'", "<", "<a",
    "<aaaa", ">", "1", "1.", "1s ", "try again in 1", "retry ", "key ", "api ", "not ", "not found or ",
    "use ",
    "one of ", "supported: ", "[a ", "…", "**", "...", "http://", "0.", " ", "\n", "token ", "access denied ",
    "quota ", "limit 0", "exceeded ", "budget ", "request blocked ", "project ", "account ", '"message":"',
    '{"message":"a', "did you mean ", "without 'a", "parameter: a, ", "ip ", "error code: ", "exception - ",
    "provider ", "does not support ", "failed to ", "404", "error: ", "我", "&#x41;", "%41", "\\u0041", "-",
    "\\",
)  # fmt: skip


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern that a module of the probe holds, wherever it stands in its tables."""
    found: dict[re.Pattern[str], str] = {}
    for module in pkgutil.walk_packages(app.probe.__path__, "app.probe."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in _within(value):
                    found.setdefault(pattern, name)
    return ((name, pattern) for pattern, name in found.items())


def _within(value: object, depth: int = 0) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, Mapping):
        for inner in value.values():
            yield from _within(inner, depth + 1)
    elif depth < 4 and isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from _within(inner, depth + 1)
    elif depth < 4 and hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for name in value.__dataclass_fields__:
            yield from _within(getattr(value, name, None), depth + 1)


PATTERNS = tuple(patterns())


def seconds(work: Callable[[], object]) -> float:
    """Processor time of this thread."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 150 and {*LONGER} <= {name for name, _ in PATTERNS}


def longest_s(work: Callable[[int], object], length: int, enough_s: float) -> float:
    """How long work on a text of this length takes. An eighth of the text is tried first: where that is so
    quick that even the cube of the length would be quick enough, it tells all.
    """
    taken = seconds(lambda: work(length // 8)) * 8**3
    return taken if taken < enough_s else seconds(lambda: work(length))


@pytest.mark.parametrize("unit", UNITS, ids=[unit.strip() or repr(unit) for unit in UNITS])
def test_no_pattern_takes_long_for_one_thing_repeated(unit: str) -> None:
    for name, pattern in PATTERNS:
        length = LONGER.get(name, LONGEST)
        enough = ENOUGH_S * max(1, length / 100_000)
        before = "<html>" if name == "_MARKUP" else ""

        def found(length: int, pattern: re.Pattern[str] = pattern, before: str = before) -> int:
            return sum(1 for _ in pattern.finditer(before + unit * (length // len(unit))))

        taken = longest_s(found, length, enough)
        assert taken < enough, (name, pattern.pattern[:80], unit, taken)


KEY = "sk-0123456789abcdefghij"
DEEP: JSON = "no"
for _level in range(40):
    DEEP = {"error": [DEEP] * 2 if _level % 8 == 0 else DEEP, "detail": "x"}
BODIES: Mapping[str, object] = {
    "a page of one tag": Text("<html>" + "<" + "a" * 90_000),
    "a page of open tags": Text("<html>" + "<a " * 60_000),
    "a page of entities": Text("<html>" + "&#65;" * 30_000),
    "one long word": Text("a" * 2_000_000),
    "braces": Text('{"' * 500_000),
    "lists in lists": Text("[" * 500_000),
    "errors in errors": DEEP,
    "many errors": {"errors": [{"message": "no", "details": [{"reason": "x"}] * 8}] * 20_000},
    "JSON in JSON": {"error": {"message": json.dumps({"error": json.dumps({"error": '{"a' * 5_000})})}},
    "many keys": {f"k{i}": i for i in range(100_000)},
    "cues": {"error": "must be one of " * 50_000},
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_read_soon(name: str) -> None:
    def read() -> None:
        words = refusal(400, BODIES[name])
        meaning_of(words)
        quote(words, KEY)
        list(offered(words.text, "m1"))
        read_completion(answered(200, BODIES[name]))

    assert seconds(read) < 2.0


@pytest.mark.parametrize(
    "unit", ["sk-0123", KEY, "%73%6b", "&#115;", "\\u0073", "*", "k...", "sk-0…", "736b2d"]
)
def test_a_body_of_pieces_of_the_key_is_cleaned_soon(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    assert seconds(lambda: without_key(text, KEY)) < 2.0


@pytest.mark.parametrize("letters", ["a", "ab-", "model-"])
def test_what_may_have_been_meant_among_thousands_of_long_ids_is_found_soon(letters: str) -> None:
    """A long id against three thousand that are like it cost 16 s by the likeness alone."""
    long = (letters * 300)[:290]
    catalog = Catalog(True, {f"{long}{number}": {} for number in range(3000)})
    taken = seconds(lambda: which_model(None, long * 2, catalog))
    assert taken < 1.5


def test_the_closest_id_is_found_among_thousands() -> None:
    catalog = Catalog(True, {f"vendor/model-{number}": {} for number in range(2000)} | {"llama-3.1-8b": {}})
    assert catalog.closest("lama-3.1-8b")[0] == "llama-3.1-8b"
