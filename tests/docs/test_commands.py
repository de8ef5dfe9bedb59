"""The commands of docs/, README and deploy/README are run, each page in its order, as its reader does.

A page gets an installation of its own. What it names of other people's (hosts, keys, files) is there under
another name: `STANDS_FOR`. `muster` runs in this process, since a start of its own takes longer than most of
what it does; everything else, and what asks for a password, is given to a shell.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from select import select

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from app.access.people import create_user
from app.cli import main
from app.config import ROOT
from app.practice.models import KEY
from app.store.base import db
from tests.conftest import PASSWORD, LiveServer
from tests.docs.test_docs import FILES, words_of
from tests.web.pages.conftest import practising

NOT_RUN: Mapping[str, str] = {
    "make run": "installs from a package registry; what it then starts: tests/cli/test_serve.py",
    "make test": "is what runs this",
    "make check": "is run beside this, and asks a registry for known weaknesses",
    'venv/bin/pip install "muster-0.1.0-py3-none-any.whl[otel]"': "installs from a package registry",
}
"""Commands that nothing here can run, and why."""

_FRESH = "deploy/test_fresh_machine.py::test_three_commands_make_a_web_machine"
ELSEWHERE: Mapping[str, str] = {
    "python3 -m venv venv": _FRESH,
    "venv/bin/pip install muster-*.whl": _FRESH,
    "venv/bin/muster serve --host 0.0.0.0 --port 8700": _FRESH,
    "muster serve --practice": "cli/test_serve.py::test_first_start_and_second_start",
    "muster worker --threads 32": "watch/test_engine.py::test_a_worker_looks_and_says_that_it_is_there",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 venv/bin/muster serve":
        "cli/test_tracing.py::test_requests_queries_and_calls_are_traced",
}  # fmt: skip
"""Commands that serve until Ctrl-C, or make a machine: the test of `tests/` that runs them."""

_SHELL = ("muster", "make", "curl", "python3", "eval", "pip")
_NO_COMMANDS = ("{", "MUSTER_")


def blocks_of(path: Path) -> Iterator[str]:
    """What stands in the code blocks of a file."""
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            yield token.content


def is_shell(block: str) -> bool:
    """Whether a block holds commands."""
    first = re.sub(r"^([A-Z_]+=\S+ )*", "", block).split("(")[0].split()[0].rpartition("/")[2]
    return first in _SHELL


def commands_of(path: Path) -> Iterator[str]:
    """Each command of a file, without its comment; one with an open quote goes on in the next line."""
    for block in filter(is_shell, blocks_of(path)):
        command = ""
        for line in block.replace("\\\n", " ").splitlines():
            command = f"{command}\n{line}".strip() if command else line.strip()
            if command and command.count("'") % 2 == 0:
                yield re.sub(r"\s+# .*$", "", command)
                command = ""


class Reader:
    """Somebody who follows a page, in a folder of their own."""

    def __init__(self, server: LiveServer, practice_url: str, folder: Path, database_url: str) -> None:
        self.folder = folder
        instance = server.app.config["MUSTER"].instance
        instance.chmod(0o700)
        (folder / "bin").mkdir()
        script = f"#!{sys.executable}\nfrom app.cli import main\nmain()\n"
        (folder / "bin" / "muster").write_text(script)
        (folder / "bin" / "muster").chmod(0o755)
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        self.environ |= {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "MUSTER_INSTANCE": str(instance), "MUSTER_DATABASE_URL": database_url, "MUSTER_KEY_OPENAI": KEY,
            "MY_KEY": KEY, "OPENAI_API_KEY": KEY,
        }  # fmt: skip
        self.stands_for = {
            "https://muster.example.com": server.url,
            "http://127.0.0.1:8700": server.url,
            "https://llm.example.com/v1": practice_url,
            "https://api.example.com/v1": practice_url,
            "http://127.0.0.1:8099/v1": practice_url,
            "some-model": "practice-chat",
            "llama-3": "practice-chat-no-tools",
            "sk-...": KEY,
            "…": KEY,
        }
        (folder / "litellm.yaml").write_text(
            "model_list:\n  - model_name: ours\n    litellm_params:\n      model: openai/practice-chat\n"
            f"      api_base: {practice_url}\n      api_key: os.environ/OPENAI_API_KEY\n",
            encoding="utf-8",
        )

    def follow(self, command: str) -> str:
        """Run a command; what it printed. AssertionError unless it ended well."""
        for there, here in self.stands_for.items():
            command = command.replace(there, here)
        assignments = re.match(r"(?:[A-Z_]+=\S+ )+", command)
        if not re.match(r"\S*muster ", command.removeprefix(assignments[0] if assignments else "")):
            return self.in_shell(command)
        own = dict(one.split("=", 1) for one in (assignments[0].split() if assignments else []))
        words = words_of(command)
        if words[:2] == ["user", "create"]:
            return self.at_terminal(words)
        ended = CliRunner().invoke(main, words, env=self.environ | own)
        assert ended.exit_code == 0, (command, ended.output)
        return ended.stdout

    def in_shell(self, command: str) -> str:
        """The same of any other command; curl ends well for every status, so it is told not to."""
        command = command.replace("curl ", "curl --fail-with-body --silent --show-error ")
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environ, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def at_terminal(self, words: list[str]) -> str:
        """The same of a command that asks for a password, twice."""
        ours, theirs = os.openpty()
        # The terminal that the leader of a session opens first is the session's.
        command = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(theirs), "muster", *words]
        process = subprocess.Popen(command, env=self.environ, cwd=self.folder, start_new_session=True)
        printed = b""
        for _ in range(2):
            asked = b""
            while not asked.rstrip().endswith(b":") and select([ours], [], [], 60)[0]:
                asked += os.read(ours, 4096)
            printed += asked
            os.write(ours, f"{PASSWORD}\n".encode())
        assert process.wait(60) == 0, printed
        os.close(theirs)
        with suppress(OSError):  # what a terminal says once nobody is there any more
            printed += os.read(ours, 4096)
        os.close(ours)
        assert PASSWORD.encode() not in printed
        return printed.decode()


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    """The base URL of a practice endpoint."""
    with practising(KEY) as url:
        yield url


@pytest.fixture
def reader(
    live_server: LiveServer,
    practice_url: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Reader:
    """Reads a page for the first time, with a Muster that has an administrator."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with live_server.app.app_context():
        create_user("admin@localhost", "admin", PASSWORD)
        db.session.commit()
    return Reader(live_server, practice_url, folder, database_url)


PAGES = [path for path in FILES if any(True for _ in commands_of(path))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_page_can_be_followed(page: Path, reader: Reader) -> None:
    for command in commands_of(page):
        if command in NOT_RUN or command in ELSEWHERE:
            continue
        printed = reader.follow(command)
        if "token create" in command:
            reader.environ["TOKEN"] = printed.strip()


def test_no_block_is_overlooked() -> None:
    blocks = [block for path in FILES for block in blocks_of(path)]
    assert [block for block in blocks if not is_shell(block) and not block.startswith(_NO_COMMANDS)] == []


def test_the_tables_hold_what_the_pages_have() -> None:
    """A command that is gone, or is written otherwise now, is none that may be left out."""
    there = {command for page in PAGES for command in commands_of(page)}
    assert {*NOT_RUN, *ELSEWHERE} <= there and len(there) > 35


@pytest.mark.parametrize("test", sorted({*ELSEWHERE.values()}))
def test_what_runs_elsewhere_has_its_test(test: str) -> None:
    file, name = test.split("::")
    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_the_completion_of_the_docs_completes(reader: Reader) -> None:
    (command,) = [one for one in commands_of(ROOT / "docs/command-line.md") if one.startswith("eval")]
    assert "muster" in reader.in_shell(f"{command}; complete -p muster")
