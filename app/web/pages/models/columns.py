"""The columns of the list of models, and which of them a person has chosen to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from app.web.guards import require_role
from app.web.pages.models import listing

blueprint = Blueprint("columns", __name__, url_prefix="/columns")

COOKIE = "muster_columns"
_REMEMBERED_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Column:
    """A column beside the name. `sort` is what its head sorts by (`orders.ORDERS`), "" where it does not."""

    name: str
    label: str
    sort: str = ""
    title: str = ""
    usual: bool = True
    number: bool = False


_PRICE = "USD per 1,000,000 tokens"
COLUMNS = (
    Column("state", "State", "health"),
    Column("day", "24 hours"),
    Column("chips", "Capabilities", title="What the last probe saw"),
    Column("type", "Type", "type", usual=False),
    Column("region", "Region, host", "region", usual=False),
    Column("context", "Context", title="Tokens, prompt and answer together", usual=False, number=True),
    Column("in", "In", "cost", f"Input, {_PRICE}", number=True),
    Column("out", "Out", "out", f"Output, {_PRICE}", number=True),
    Column("p95", "p95", "p95", "95 of 100 answers came sooner, in the slowest of 24 hours", number=True),
    Column("owner", "Owner", "owner"),
    Column("tags", "Tags", usual=False),
    Column("looked", "Last look", "looked", "By the watch or by a probe"),
    Column("probed", "Last probe", "probed", usual=False),
    Column("added", "Added", "added", usual=False),
)


def chosen() -> Sequence[Column]:
    """The columns that this browser has chosen, in the order of the table; the usual ones at first."""
    names = request.cookies.get(COOKIE, "").split(".")
    return [column for column in COLUMNS if column.name in names] or _usual()


@blueprint.post("")
@require_role("viewer")
def choose() -> Response:
    """Remember which columns to show for a year; none at all, or `usual`, means the usual ones."""
    wanted = request.form.getlist("column") if request.form.get("do") != "usual" else []
    answer = redirect(listing.of_query(request.form.get("back", "")).here, 303)
    return _remember(answer, [column.name for column in COLUMNS if column.name in wanted])


def _remember(answer: Response, names: Iterable[str]) -> Response:
    text = ".".join(names)
    if text:
        answer.set_cookie(
            COOKIE, text, max_age=_REMEMBERED_S, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    else:
        answer.delete_cookie(COOKIE)
    return answer


def _usual() -> Sequence[Column]:
    return [column for column in COLUMNS if column.usual]
