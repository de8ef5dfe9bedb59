"""Every command against every fault of the machine: a sentence, a documented code, never a traceback."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from subprocess import PIPE
from typing import Any

import click
import pytest
from click.testing import CliRunner

from app import config
from app.cli import main
from app.cli.examples import EXAMPLES
from app.config import ROOT
from app.store import vault
from tests import quick_start
from tests.cli.every import commands
from tests.docs.test_docs import parse, words_of

ID = "01900000-0000-7000-8000-000000000001"
NOBODY = "nobody@example.com"
NOT_A_COMMAND_THAT_ENDS = ("serve", "worker")
RUNS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("probe",): ("http://127.0.0.1:9/v1", "some-model"),
    ("apply",): ("{registry}",),
    ("models", "list"): (),
    ("models", "show"): (ID,),
    ("models", "enable"): (ID,),
    ("models", "disable"): (ID,),
    ("models", "delete"): (ID,),
    ("endpoint", "list"): (),
    ("endpoint", "show"): (ID,),
    ("endpoint", "add"): ("http://127.0.0.1:9/v1", "--models", "some-model"),
    ("endpoint", "rotate"): (ID,),
    ("endpoint", "key-ends"): (ID, "2030-01-31"),
    ("endpoint", "delete"): (ID,),
    ("reprobe",): ("--all",),
    ("compare",): (ID, ID, "--dry-run"),
    ("import",): ("{config}",),
    ("export",): (),
    ("token", "create"): ("deploy",),
    ("token", "list"): (),
    ("token", "revoke"): ("nothing",),
    ("user", "create"): (NOBODY,),
    ("user", "list"): (),
    ("user", "reset-password"): (NOBODY,),
    ("user", "reset-second-factor"): (NOBODY,),
    ("user", "to-provider"): (NOBODY,),
    ("user", "disable"): (NOBODY,),
    ("user", "enable"): (NOBODY,),
    ("user", "role"): (NOBODY, "admin"),
    ("audit", "verify"): (),
    ("audit", "export"): (),
    ("db", "upgrade"): (),
    ("key", "rotate"): (),
    ("backup",): ("{folder}/new.sqlite",),
    ("restore",): ("{config}", "--yes"),
    ("check",): (),
    ("settings",): (),
}
"""What to run of each command; what some of them name is not there."""


PRINTING = [
    words
    for words in RUNS
    if words[-1] in ("list", "create", "verify", "check", "settings", "probe", "upgrade")
]


class Zygote:
    """The process that has loaded every command, and forks for each run."""

    def __init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        command = [sys.executable, "-m", "tests.cli.every"]
        self.process = quick_start.Python(command, cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE, env=kept)

    def __call__(self, folder: Path, out: str, only: Any, *options: str, **settings: str) -> list[Any]:
        """How each of these commands ends, in `folder`'s instance unless the settings say else."""
        (folder / "registry.yaml").write_text("endpoints: []\n", encoding="utf-8")
        (folder / "config.yaml").write_text("model_list: []\n", encoding="utf-8")
        places = {
            "registry": f"{folder}/registry.yaml",
            "config": f"{folder}/config.yaml",
            "folder": str(folder),
        }
        runs = [[*words, *(one.format(**places) for one in RUNS[words]), *options] for words in only]
        environ = {"MUSTER_INSTANCE": str(folder / "instance"), "MUSTER_DATABASE_URL": ""} | settings
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"environ": environ, "out": out, "runs": runs}) + "\n")
        self.process.stdin.flush()
        ended: list[Any] = json.loads(self.process.stdout.readline())
        return ended


@pytest.fixture(scope="module")
def muster() -> Iterator[Zygote]:
    """Runs commands."""
    started = Zygote()
    with started.process:
        yield started
        started.process.kill()


@pytest.fixture
def installed(sqlite_template: Path, tmp_path: Path) -> Path:
    """A folder with an instance that is all right, but for its empty registry."""
    instance = tmp_path / "instance"
    instance.mkdir(mode=0o700)
    (instance / "muster.sqlite").write_bytes(sqlite_template.read_bytes())
    (instance / "muster.sqlite").chmod(0o600)
    vault.ensure_ring(config.load_with({"instance": instance}))
    return tmp_path


def tracebacks(ended: list[Any]) -> list[Any]:
    """The runs that ended in a traceback or in a code that no documentation knows."""
    return [one for one in ended if "Traceback" in one["err"] or one["code"] not in (0, 1, 2, 3, 4, 130)]


def lines_of(one: Any) -> list[str]:
    """What was said beside log lines, which are JSON, and beside the usage that click shows."""
    lines = [line for line in one["err"].splitlines() if not line.startswith(("{", "Usage: ", "Try "))]
    return [line for line in lines if line]


def test_every_command_is_in_the_table() -> None:
    assert {words for words in commands() if words[0] not in NOT_A_COMMAND_THAT_ENDS} == set(RUNS)


def test_with_a_good_installation_and_no_colours(muster: Zygote, installed: Path) -> None:
    ended = muster(installed, "pipe", RUNS, NO_COLOR="1", TERM="dumb")
    assert tracebacks(ended) == []
    assert [one for one in ended if "\x1b" in one["out"] + one["err"]] == []
    good = {" ".join(one["words"][:2]) for one in ended if one["code"] == 0}
    assert {"models list", "token create", "user list", "audit verify", "db upgrade", "key rotate"} <= good


def test_whose_reader_is_gone(muster: Zygote, installed: Path) -> None:
    """As `| head -1` leaves it: nothing is said, since nobody is there to read it."""
    ended = muster(installed, "closed", PRINTING)
    assert tracebacks(ended) == [] and not [one for one in ended if "can't be written" in one["err"]]


def test_onto_a_full_disk(muster: Zygote, installed: Path) -> None:
    ended = muster(installed, "/dev/full", PRINTING)
    assert tracebacks(ended) == []
    printing = [one for one in ended if one["words"] in (["token", "list"], ["user", "list"], ["settings"])]
    assert [one["code"] for one in printing] == [3, 3, 3]


@pytest.mark.parametrize("fault", ["no database", "a damaged database", "a folder that can't be"])
def test_a_fault_is_one_sentence(muster: Zygote, installed: Path, fault: str) -> None:
    database, settings = installed / "instance" / "muster.sqlite", {}
    if fault == "no database":
        database.unlink()
    elif fault == "a damaged database":
        database.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    else:
        settings = {"MUSTER_INSTANCE": "/proc/muster"}
    ended = muster(installed, "pipe", RUNS, **settings)
    assert tracebacks(ended) == []
    assert [one for one in ended if len(lines_of(one)) > 1 and one["words"][0] != "probe"] == []
    failed = {" ".join(one["words"][:2]) for one in ended if one["code"] in (1, 2)}
    assert {"models list", "token list", "user list", "audit verify"} <= failed


def test_a_database_that_others_hold_locked(muster: Zygote, installed: Path) -> None:
    """Reading goes on as ever; who has something to write says in a sentence why it can't."""
    writing = [
        ("token", "create"),
        ("key", "rotate"),
        ("db", "upgrade"),
        ("models", "list"),
        ("user", "list"),
    ]
    with closing(sqlite3.connect(installed / "instance" / "muster.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = muster(installed, "pipe", [words for words in RUNS if words != ("restore",)])
    assert tracebacks(ended) == []
    assert [one for one in ended if len(lines_of(one)) > 1 and one["words"][0] != "probe"] == []
    codes = {" ".join(one["words"][:2]): one["code"] for one in ended}
    assert [codes[" ".join(words)] for words in writing] == [1, 1, 0, 0, 0]
    locked = [one for one in ended if one["words"][:2] in (["token", "create"], ["key", "rotate"])]
    assert [one for one in locked if "is locked" not in one["err"]] == []


def test_no_terminal_is_wrong_usage(muster: Zygote, installed: Path) -> None:
    (ended,) = muster(installed, "pipe", [("user", "create")])
    assert ended["code"] == 2 and "--password-stdin" in ended["err"]


LISTS_AND_DEEDS = [words for words in RUNS if words not in {("export",), ("audit", "export"), ("settings",)}]


def command_of(words: tuple[str, ...]) -> click.Command:
    """The command with these words."""
    command: click.Command | None = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    return command


@pytest.mark.parametrize("words", LISTS_AND_DEEDS, ids=" ".join)
def test_json_is_there_for_programs(words: tuple[str, ...]) -> None:
    assert "--json" in {name for parameter in command_of(words).params for name in parameter.opts}


ANSWERED = (
    "models list", "endpoint list", "token create", "token list", "user list", "audit verify", "db upgrade",
    "key rotate", "backup", "check", "apply",
)  # fmt: skip


def test_json_is_json(muster: Zygote, installed: Path) -> None:
    for one in muster(installed, "pipe", [tuple(words.split()) for words in ANSWERED], "--json"):
        assert isinstance(json.loads(one["out"]), dict | list), one


def test_quiet_says_nothing_where_all_goes_well(muster: Zygote, installed: Path) -> None:
    quiet = [("db", "upgrade"), ("key", "rotate"), ("backup",), ("audit", "verify"), ("apply",)]
    assert [(one["code"], one["out"]) for one in muster(installed, "pipe", quiet, "-q")] == [(0, "")] * 5
    (made,) = muster(installed, "pipe", [("token", "create")], "-q")
    assert re.fullmatch(r"mst_[\w-]{43}\n", made["out"]) and not lines_of(made)


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_every_option_says_what_it_is_for(words: tuple[str, ...]) -> None:
    options = [one for one in command_of(words).params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []


@pytest.mark.parametrize("words", sorted({words[:-1] for words in commands()}), ids=" ".join)
def test_no_line_of_a_list_of_commands_is_cut_off(words: tuple[str, ...]) -> None:
    help = CliRunner().invoke(main, [*words, "--help"], terminal_width=80).output
    listed = help.partition("\nCommands:\n")[2]
    assert listed and "..." not in listed


def test_a_command_that_is_nearly_right_is_told() -> None:
    told = CliRunner().invoke(main, ["serv"])
    assert told.exit_code == 2 and "No such command 'serv'. Did you mean 'serve'?" in told.output
    assert "Did you mean" not in CliRunner().invoke(main, ["frobnicate"]).output


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_the_help_has_an_example_that_is_right(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert EXAMPLES[" ".join(words)]
    for line in EXAMPLES[" ".join(words)]:
        parse(words_of(line), tmp_path)
