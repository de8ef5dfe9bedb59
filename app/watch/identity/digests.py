"""What digests of vectors tell: whether they are, value by value, those that were learned; since when not.

They decide nothing: noise of batching gives new digests too, without a change that matters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from app.store.watch.samples import ModelIdentity
from app.watch.identity import kept, vectors

_OFTEN = vectors.LEARNED // 4
"""So many among those that were learned, and each check may give another one."""


class Digests(NamedTuple):
    """`as_learned` of the last `of` vectors have a digest that was learned; `learned` are those.
    `others_since` is when the first other one came.
    """

    newest: str
    learned: list[str]
    as_learned: int
    of: int
    others_since: str | None
    summary: str


def digests_of(row: ModelIdentity) -> Digests | None:
    """None where nothing is compared yet, or where what was learned has no digests (an earlier version)."""
    learned: list[str] = (row.learned or {}).get("digests", [])
    if row.kind != "vectors" or not learned:
        return None
    newest = [digest for _, digest in kept.newest_of(row, vectors.LEARNED)]
    if not newest:
        return None
    same, since = sum(digest in learned for digest in newest), (row.learned or {}).get("others_since")
    return Digests(newest[-1], learned, same, len(newest), since, _in_words(len(learned), same, len(newest)))


def as_json(found: Digests | None) -> dict[str, Any] | None:
    """The same as the API gives it."""
    return None if found is None else found._asdict()


def _in_words(learned: int, same: int, count: int) -> str:
    if learned > _OFTEN:
        return "Its values vary in their last digits from check to check, and did when they were learned."
    if same == count:
        which = "the vector that was" if learned == 1 else f"one of the {learned} vectors that were"
        return f"Value by value, to three decimals, the last {count} are each {which} learned."
    return (
        f"{count - same} of the last {count} are, to three decimals, not a vector that was learned: another "
        "version of the server, other hardware, or a further replica."
    )
