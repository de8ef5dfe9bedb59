"""What a person opened last, kept in their session: it is offered first where they search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from flask import session

Kind = Literal["model", "endpoint", "user", "incident"]
MOST = 8
_PLACE = "opened"


def note(kind: Kind, id: str) -> None:
    """Remember that this was opened now."""
    entry = [kind, id]
    session[_PLACE] = [entry, *(one for one in session.get(_PLACE, []) if one != entry)][:MOST]


def opened(kind: Kind) -> Sequence[str]:
    """The ids of what was opened of a kind, the last one first."""
    return [id for known, id in session.get(_PLACE, []) if known == kind]
