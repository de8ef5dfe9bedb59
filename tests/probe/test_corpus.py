"""Hundreds of refusals met in the field, read as the probe reads them: how many are understood?

As collected, before the rules were changed: 233 of 294.
Second half, likewise before the rules were changed: 262 of 343.
A third part, of servers and vendors that the others hardly name, before the rules were changed: 51 of 57.

`corpus.jsonl` holds one refusal a line: the status (null where the source tells none), the body, what a
careful engineer concludes from it, whose it is and where it was found. `wordings.json` is the list that must
be right in every row; this one is a sample to measure with, so some of it is not understood yet. A row whose
meaning is null could mean two things; it is merely read. Where a source quotes the sentence alone, it stands
in the shape in which that server sends its errors. A source that is a search link looks for the public file
in which the sentence stood: the index it came from names no repository.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from app.probe.reading.meaning import meaning_of
from app.probe.reading.wordings import RULES, Meaning
from tests.probe.answers import Text, refusal
from tests.probe.wordings import WORDINGS

JSON = Any
Half = Literal["first", "second", "third"]


@dataclass(frozen=True, eq=False)
class Refusal:
    """One refusal and what a careful reader concludes; no meaning where the reader could not tell."""

    status: int | None
    body: JSON
    meaning: Meaning | None
    server: str
    source: str
    half: Half


def _refusal(line: str) -> Refusal:
    row = json.loads(line)
    if isinstance(row["body"], str):
        row["body"] = Text(row["body"])
    return Refusal(**row)


_FILE = Path(__file__).with_name("corpus.jsonl")
CORPUS = tuple(map(_refusal, _FILE.read_text("utf-8").splitlines()))
UNDERSTOOD: dict[Half, int] = {"first": 292, "second": 337, "third": 57}
"""How many refusals of each half are understood today. It may only rise, with each better rule."""


@cache
def _found(row: Refusal) -> Meaning:
    return meaning_of(refusal(row.status, row.body)).meaning


def _told(half: Half) -> tuple[Refusal, ...]:
    return tuple(refusal for refusal in CORPUS if refusal.half == half and refusal.meaning)


def _report(refusals: tuple[Refusal, ...]) -> str:
    """The shares by meaning, then every miss."""
    right = Counter(str(refusal.meaning) for refusal in refusals if _found(refusal) == refusal.meaning)
    of = Counter(str(refusal.meaning) for refusal in refusals)
    shares = [f"{meaning}: {right[meaning]} of {count}" for meaning, count in of.most_common()]
    misses = [
        f"{refusal.meaning}, not {_found(refusal)}: {refusal.server} {refusal.status} {refusal.body}"
        for refusal in refusals
        if _found(refusal) != refusal.meaning
    ]
    return "\n".join(["", *shares, *misses])


@pytest.mark.parametrize("half", UNDERSTOOD)
def test_no_fewer_refusals_are_understood_than_before(half: Half) -> None:
    refusals = _told(half)
    right = sum(_found(refusal) == refusal.meaning for refusal in refusals)
    report = _report(refusals)
    sys.stdout.write(f"{half} half: {right} of {len(refusals)}{report}\n")
    assert right >= UNDERSTOOD[half], report


def test_the_corpus_is_broad() -> None:
    assert len(CORPUS) >= 600
    assert len({refusal.server for refusal in CORPUS}) >= 60
    assert all(len(_told(half)) >= 290 for half in ("first", "second"))
    # A page that is no API is no refusal with words; every other meaning is sampled.
    assert {refusal.meaning for refusal in CORPUS} >= {*get_args(Meaning)} - {"not_openai_compatible"}


def test_every_refusal_is_read_and_tells_where_it_was_found() -> None:
    for row in CORPUS:
        assert row.source.startswith("https://"), row
        assert row.meaning is None or row.meaning in get_args(Meaning), row
        assert _found(row) in get_args(Meaning), row


def test_no_refusal_stands_twice() -> None:
    """Neither here nor among the wordings, which must be right anyway."""
    here = Counter((refusal.status, json.dumps(refusal.body)) for refusal in CORPUS)
    there = {(wording.status, json.dumps(wording.body)) for wording in WORDINGS}
    assert not [row for row, count in here.items() if count > 1 or row in there]


def test_rules_are_in_lower_case_as_what_they_search_is() -> None:
    patterns = [one.pattern for rule in RULES for one in (rule.words, rule.but_not) if one]
    assert [text for text in patterns if re.search("[A-Z]", re.sub(r"\\.", "", text))] == []
