"""The pages of docs/: made from the tables where there are tables, with commands and links that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from app.cli import main
from app.config import ROOT
from app.probe.capabilities import CAPABILITIES, EFFORT_LEVELS, CapabilityRow
from app.web.pages.help.routes import PAGES, START
from tests.docs.making import DOCS, made

FILES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "deploy/README.md"]
_ENDS = {"|", ">", ">>", "<", "&&", ";", "||", "#"}


def commands_in(path: Path) -> Iterator[str]:
    """Each command line of `muster` in the code blocks of a file."""
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            for line in token.content.replace("\\\n", " ").splitlines():
                if re.search(r"(^|[\s/])muster\s+[a-z-]", line):
                    yield line.strip()


LINES = [pytest.param(line, id=f"{path.stem}: {line}") for path in FILES for line in commands_in(path)]


def words_of(line: str) -> list[str]:
    """What a shell gives to `muster`, without a comment, a pipe and what is set before it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    words = list(lexer)
    words = words[next(at for at, word in enumerate(words) if word.rpartition("/")[2] == "muster") + 1 :]
    return words[: next((at for at, word in enumerate(words) if word in _ENDS), len(words))]


def parse(words: list[str], folder: Path) -> None:
    """Read a command line as click does, in a folder where its files are; click.UsageError where wrong."""
    for word in words:
        if "." in word and "/" not in word:
            (folder / word).touch()
    command: click.Command | None = main
    context = click.Context(main, info_name="muster")
    while isinstance(command, click.Group):
        name, words = words[0], words[1:]
        command = command.get_command(context, name)
        if command is None:
            raise click.UsageError(f"no command {name}")
        if isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=name)
        else:
            command.make_context(name, words, parent=context).close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_docs_exists_with_its_options(line: str, folder: Path) -> None:
    parse(words_of(line), folder)


@pytest.mark.parametrize(
    "line", ["muster serv", "muster serve --prot 1", "muster serve --port http", "muster user list x y"]
)
def test_a_command_that_does_not_exist_would_be_found(line: str, folder: Path) -> None:
    with pytest.raises(click.UsageError):
        parse(words_of(line), folder)


def test_there_are_commands() -> None:
    assert len(LINES) > 25


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_what_is_made_from_tables_is_as_they_are(path: Path) -> None:
    """Else: .venv/bin/python -m tests.docs.making"""
    text = path.read_text(encoding="utf-8")
    assert made(text) == text


@pytest.mark.parametrize("row", CAPABILITIES, ids=lambda row: row.name)
def test_the_probe_s_page_names_every_capability(row: CapabilityRow) -> None:
    """The levels of effort are one name with a level."""
    name = "reasoning_effort" if row.name.removeprefix("reasoning_effort_") in EFFORT_LEVELS else row.name
    assert f"`{name}`" in (ROOT / "docs/probe.md").read_text(encoding="utf-8")


def test_every_file_is_a_page() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == {START, *PAGES}


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_links_between_files_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_settings_that_docs_name_exist() -> None:
    known = set(re.findall(r"`(MUSTER_[A-Z_]+)`", (DOCS / "settings.md").read_text(encoding="utf-8")))
    named = {
        name
        for path in DOCS.glob("*.md")
        for name in re.findall(r"\bMUSTER_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    named -= {name for name in named if name in known or name.removesuffix("_FILE") in known}
    assert {name for name in named if not name.startswith("MUSTER_KEY_")} == set()
