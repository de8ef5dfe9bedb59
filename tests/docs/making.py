"""What docs/ and the README show of the program's tables. `python -m tests.docs.making` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from app import config
from app.cli import COMMANDS
from app.config import ROOT
from app.error_codes import GROUPS

DOCS = ROOT / "docs"


def _commands() -> str:
    rows = [f"| `muster {name}` | {entry.summary} |" for name, entry in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def _verdicts() -> str:
    (group,) = [group for group in GROUPS if group.name == "probe"]
    parts = []
    for row in group.codes:
        where = f" (`{row.field}`)" if row.field else ""
        parts.append(f"## {row.code}\n\n**{row.title}**{where}. {row.help}")
    return "\n\n".join(parts)


def _statuses() -> str:
    (group,) = [group for group in GROUPS if group.name == "api"]
    rows = sorted((row.status, number, row) for number, row in enumerate(group.codes) if row.status)
    lines = [f"| {status} | `{row.code}` | {row.title} |" for status, _number, row in rows]
    return "\n".join(["| status | code | what it means |", "|---|---|---|", *lines])


MADE: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "settings": config.markdown,
    "statuses": _statuses,
    "verdicts": _verdicts,
}


def made(text: str) -> str:
    """A page with what stands between its marks made anew."""
    return re.sub(
        r"(<!-- made: (\w+) -->\n).*?(<!-- /made -->)",
        lambda found: f"{found[1]}\n{MADE[found[2]]()}\n\n{found[3]}",
        text,
        flags=re.S,
    )


if __name__ == "__main__":
    for path in (*DOCS.glob("*.md"), ROOT / "README.md"):
        path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")
