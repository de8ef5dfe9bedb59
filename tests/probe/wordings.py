"""What endpoints say when they refuse, in their own words, each with what a careful reader concludes.

`wordings.json` holds a row for each: whose words they are, the status, what they mean (two meanings where
they are as good as one another), the advice where the words tell more than that, the field where the meaning
leaves it open, `by_words` false where only the status tells, and the body: JSON, or text where it is a plain
string. The next one from a bug is a row more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.probe.answers import Text

JSON = Any


class Wording(NamedTuple):
    """One refusal of the field."""

    whose: str
    status: int
    body: JSON
    means: tuple[str, ...]
    field: str | None
    by_words: bool
    """False where the words say nothing and the status decides."""
    advice: str | None
    """What to do next; "none" where the meaning alone tells, None where the row leaves it open."""
    lasts: bool | None
    """Whether a wait changes nothing; None where the row leaves it open."""


def _wording(row: dict[str, JSON]) -> Wording:
    body = Text(row["body"]) if isinstance(row["body"], str) else row["body"]
    return Wording(
        row["whose"],
        row["status"],
        body,
        tuple(row["means"].split("|")),
        row.get("field"),
        row.get("by_words", True),
        row.get("advice"),
        row.get("lasts"),
    )


_FILE = Path(__file__).with_name("wordings.json")
WORDINGS = tuple(_wording(row) for row in json.loads(_FILE.read_text("utf-8")))


def page(title: str, rest: str = "") -> Text:
    """A page as proxies make it."""
    return Text(f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{rest}</body></html>")
