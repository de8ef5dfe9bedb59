"""The help at /help, open to all: the files of docs/ as pages. What is in them is written in docs/ alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from flask import Blueprint, abort, render_template, url_for
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.config import RESOURCES

blueprint = Blueprint("help", __name__, url_prefix="/help")
DOCS = RESOURCES / "docs"
START = "README"
PAGES: Mapping[str, str] = {
    "quick-start": "Quick start",
    "concepts": "Concepts",
    "registering": "Registering",
    "verdicts": "Verdicts",
    "watching": "Watching and alerts",
    "team": "Running it for a team",
    "api": "API",
    "command-line": "Command line",
    "settings": "Settings",
    "upgrade": "Upgrade and backup",
    "security": "Security",
    "probe": "What a probe concludes",
    "watch": "How the watch judges",
    "wire": "What the API answers",
}
"""Each page by the name of its file, in the order of the menu."""


class Page(NamedTuple):
    """A page as HTML without its heading, which is the title."""

    title: str
    body: str


@blueprint.get("")
def index() -> str:
    """What there is."""
    return _shown(START)


@blueprint.get("/<name>")
def page(name: str) -> str:
    """One page; 404 where there is none of this name."""
    if name not in PAGES:
        abort(404)
    return _shown(name)


def _shown(name: str) -> str:
    found = _read(name)
    return render_template("help/page.html", page=found, pages=PAGES, name=name)


@cache
def _read(name: str) -> Page:
    """A file as a page. The files come with the program, so their markup is trusted and they never change."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.add_render_rule("table_open", _begin_table)
    reader.add_render_rule("table_close", _end_table)
    tokens = reader.parse((DOCS / f"{name}.md").read_text(encoding="utf-8"))
    title = tokens[1].content
    rest = tokens[3:]
    _give_places(rest)
    for token in rest:
        _lead_here(token.children or [])
    return Page(title, reader.renderer.render(rest, reader.options, {}))


def _begin_table(*_: object) -> str:
    """A wide table scrolls within a box of its own, by the keyboard too."""
    return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>'


def _end_table(*_: object) -> str:
    return "</table></div>"


def _give_places(tokens: Sequence[Token]) -> None:
    """Give headings the ids that GitHub gives them, and let the keyboard scroll what is wide."""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = re.sub(r"[^\w\s-]", "", tokens[at + 1].content.lower())
            token.attrSet("id", re.sub(r"\s", "-", words))
        elif token.type in ("fence", "code_block"):
            token.attrSet("tabindex", "0")


def _lead_here(tokens: Sequence[Token]) -> None:
    """Let links to other files of docs/ lead to their pages."""
    for token in tokens:
        name, _, place = str(token.attrGet("href") or "").partition("#")
        known = name.removesuffix(".md")
        if token.type == "link_open" and name.endswith(".md") and known in PAGES:
            token.attrSet("href", url_for("help.page", name=known) + (f"#{place}" if place else ""))
