"""The style sheets read from the general to the particular, and say everything in one place."""

from __future__ import annotations

import re

from app.config import ROOT

SHEETS = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "static").glob("*.css")}


def before_media(css: str) -> str:
    """What holds everywhere, without comments."""
    return re.sub(r"/\*.*?\*/", "", re.split(r"/\* Narrow \*/|@media \(max-width", css)[0], flags=re.S)


def test_its_parts_stand_in_their_order() -> None:
    named = r"^/\* (Ground|Frame|Table|Form|Status|Models|Register|Narrow)\b"
    parts = re.findall(named, SHEETS["app.css"], re.M)
    assert list(dict.fromkeys(parts)) == [
        "Ground", "Frame", "Table", "Form", "Status", "Models", "Register", "Narrow",
    ]  # fmt: skip


def test_each_selector_stands_once() -> None:
    every = "\n".join(map(before_media, SHEETS.values()))
    preludes = re.findall(r"^([^\s@}][^{}]*?)\s*\{", every, re.M)
    # A comma within brackets belongs to one selector.
    selectors = [one.strip() for prelude in preludes for one in re.split(r",(?![^(\[]*[)\]])", prelude)]
    assert len(selectors) > 200
    assert sorted({one for one in selectors if selectors.count(one) > 1} - {":root"}) == []
