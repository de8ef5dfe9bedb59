"""The one style sheet reads from the general to the particular, and says everything in one place."""

from __future__ import annotations

import re

from app.config import ROOT

CSS = (ROOT / "static/app.css").read_text(encoding="utf-8")
BEFORE_MEDIA = re.sub(r"/\*.*?\*/", "", CSS.partition("/* Narrow */")[0], flags=re.S)


def test_its_parts_stand_in_their_order() -> None:
    parts = re.findall(r"^/\* (Ground|Frame|Table|Form|Status|Models|Register|Narrow)\b", CSS, re.M)
    assert list(dict.fromkeys(parts)) == [
        "Ground", "Frame", "Table", "Form", "Status", "Models", "Register", "Narrow",
    ]  # fmt: skip


def test_each_selector_stands_once() -> None:
    preludes = re.findall(r"^([^\s@}][^{}]*?)\s*\{", BEFORE_MEDIA, re.M)
    # A comma within brackets belongs to one selector.
    selectors = [one.strip() for prelude in preludes for one in re.split(r",(?![^(\[]*[)\]])", prelude)]
    assert len(selectors) > 200
    assert sorted({one for one in selectors if selectors.count(one) > 1} - {":root"}) == []
