"""`muster import`, `muster export` and `muster reprobe`, against real endpoints on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from app.cli import main
from app.config import ROOT
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests import quick_start
from tests.conftest import new_token
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.rows import a_model


class Operator:
    """Runs `muster` against the database of the test."""

    def __init__(self, app: Flask, database_url: str, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.environ = {
            "MUSTER_INSTANCE": str(app.config["MUSTER"].instance),
            "MUSTER_DATABASE_URL": database_url,
            "MUSTER_KEY_GOOD": KEY,
        }

    def __call__(self, *arguments: str, input: str | None = None) -> Result:
        ended = CliRunner().invoke(main, arguments, input=input, env=self.environ)
        assert KEY not in ended.output and "Traceback" not in ended.output, ended.output
        return ended

    def bring(self, *entries: Any, options: tuple[str, ...] = ()) -> Result:
        """Import these entries."""
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump({"model_list": list(entries)}), encoding="utf-8")
        return self("import", str(file), *options)

    def models(self) -> list[RegisteredModel]:
        """The rows, oldest first."""
        with self.app.app_context():
            return list(db.session.scalars(select(RegisteredModel).order_by(RegisteredModel.id)))


@pytest.fixture
def muster(app: Flask, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """The operator of the application; the key of the endpoints is in the environment."""
    monkeypatch.setenv("MUSTER_KEY_GOOD", KEY)
    return Operator(app, database_url, tmp_path)


def entry(simulator: Simulator, name: str = "ours", **params: Any) -> dict[str, Any]:
    """A good entry for what a simulator serves."""
    good = {"model": f"openai/{simulator.model_id}", "api_base": simulator.base_url}
    return {"model_name": name, "litellm_params": good | {"api_key": "os.environ/MUSTER_KEY_GOOD"} | params}


def states(ended: Result) -> list[tuple[str, str]]:
    """State and name of every line."""
    return sorted((line[:11].strip(), line[13:45].strip()) for line in ended.stdout.splitlines())


def test_all_get_in(muster: Operator) -> None:
    with Simulator() as simulator:
        ended = muster.bring(entry(simulator, "one"), entry(simulator, "two"))
    assert ended.exit_code == 0 and states(ended) == [("registered", "one"), ("registered", "two")]
    first, second = muster.models()
    assert (first.endpoint.key_env, first.wire_model_id, second.health) == (
        "MUSTER_KEY_GOOD",
        "good-model",
        "up",
    )
    assert first.created_by == "cli:muster" and {first.id, second.id} == {
        line.split()[-1] for line in ended.stdout.splitlines()
    }


def test_what_happened_is_said_of_each(muster: Operator) -> None:
    with Simulator() as simulator:
        muster.bring(entry(simulator, "old"))
        ended = muster.bring(
            entry(simulator, "old"),
            entry(simulator, "new"),
            entry(simulator, "wrong", api_key="sk-wrong-key-000"),
            entry(simulator, "other", model="anthropic/claude"),
            entry(simulator, "env", api_key="os.environ/OPENAI_API_KEY"),
        )
    assert ended.exit_code == 1
    assert sorted(states(ended)) == sorted(
        [
            ("same", "old"),
            ("refused", "env"),
            ("registered", "new"),
            ("rejected", "wrong"),
            ("skipped", "other"),
        ]
    )
    assert "invalid_credentials: " in ended.stdout and "sk-wrong" not in ended.output
    assert "--env OPENAI_API_KEY=env://MUSTER_KEY_OPENAI_API_KEY" in ended.stdout
    assert [model.model_id for model in muster.models()] == ["old", "new"]


@pytest.mark.both_databases
def test_a_second_import_changes_nothing(muster: Operator) -> None:
    with Simulator() as simulator:
        muster.bring(entry(simulator))
        calls = len(simulator.seen)
        ended = muster.bring(entry(simulator))
        assert len(simulator.seen) == calls
    assert ended.exit_code == 0 and states(ended) == [("same", "ours")]


def test_a_dry_run_contacts_nothing(muster: Operator) -> None:
    with Simulator() as simulator:
        ended = muster.bring(entry(simulator, rpm=3), options=("--dry-run",))
        assert simulator.seen == []
    assert ended.exit_code == 0 and muster.models() == []
    assert "would probe" in ended.stdout and "does not use litellm_params.rpm" in ended.stdout


def test_a_region_for_those_without(muster: Operator) -> None:
    with Simulator() as simulator:
        muster.bring(entry(simulator), options=("--region", "europe", "--workers", "1"))
    assert muster.models()[0].region == "europe"


def test_a_name_can_not_steer_the_terminal(muster: Operator) -> None:
    with Simulator() as simulator:
        ended = muster.bring(entry(simulator, "\x1b[31m\r\n"), options=("--dry-run",))
    assert ended.exit_code == 1 and "\x1b" not in ended.stdout and "\r" not in ended.stdout


def test_included_files_are_named(muster: Operator) -> None:
    ended = muster("import", "-", input="include: [more.yaml]")
    assert ended.exit_code == 1 and states(ended) == [("skipped", "more.yaml")]


@pytest.mark.parametrize(
    ("text", "says"),
    [("[", "not YAML"), ("a: 1", "no `model_list`"), ("\udcff", "not UTF-8 text")],
)
def test_a_file_of_another_kind(muster: Operator, text: str, says: str) -> None:
    file = muster.folder / "file"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    ended = muster("import", str(file))
    assert ended.exit_code == 2 and says in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("import", "/does/not/exist"),
        ("import", "-", "--format", "xml"),
        ("import", "-", "--workers", "0"),
        ("export", "--format", "xml"),
        ("reprobe",),
        ("reprobe", "x", "--all"),
        ("reprobe", "nothing"),
    ],
)
def test_wrong_use(muster: Operator, arguments: tuple[str, ...]) -> None:
    assert muster(*arguments, input="").exit_code == 2


@pytest.mark.both_databases
def test_an_export_into_an_empty_registry_gives_the_same_models(
    muster: Operator, client: Any, app: Flask
) -> None:
    auth = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    full = {
        "display_name": "Ours \U0001f600",
        "description": "two\n\nlines: ",
        "model_id": "ours",
        "configuration": {"model_id": "good-model"},
        "region": "eu",
        "model_type": "chat",
        "input_cost": 0.15,
        "output_cost": 3,
        "cache_read_cost": 0.01,
        "cache_write_cost": 0,
        "max_tokens": 512,
        "temperature": 0.5,
        "supports_tool_calling": True,
        "supports_vision": False,
        "supports_strict_tool": True,
        "benchmark_model": "openai/gpt-4o",
    }
    plain = {name: full[name] for name in ("model_type", "region")} | {"display_name": "Plain"}
    with Simulator() as one, Simulator(model_type="embedding") as two:
        for simulator, body in ((one, full), (two, plain | {"model_type": "embedding"})):
            sent = {"model_id": simulator.model_id, **body, "base_url": simulator.base_url}
            sent["api_key"] = "env://MUSTER_KEY_GOOD"
            answer = client.post("/v2/models/openai-like", json=sent, headers=auth)
            assert answer.status_code == 200, answer.json
        before = client.get("/v2/models", headers=auth).json
        file = muster.folder / "export.yaml"
        assert muster("export", str(file)).exit_code == 0
        for document in before:
            client.delete(f"/v2/models/{document['id']}", headers=auth)
        # One worker: then they are registered in the order of the file.
        ended = muster("import", str(file), "--workers", "1")
        assert ended.exit_code == 0, ended.output
        after = client.get("/v2/models", headers=auth).json
    assert len(after) == 2
    for document in (*before, *after):
        for name in ("id", "created", "updated"):
            del document[name]
    assert after == before


def test_export_to_standard_output(muster: Operator) -> None:
    for form in ("litellm", "csv", "openai", "json"):
        ended = muster("export", "--format", form)
        assert ended.exit_code == 0 and ended.stdout
    assert json.loads(ended.stdout) == []


def test_export_of_what_works(muster: Operator) -> None:
    with muster.app.app_context():
        db.session.add_all([a_model(model_id="up", health="up"), a_model(model_id="gone", health="down")])
        db.session.commit()
    assert "gone" in muster("export").stdout
    assert "gone" not in (told := muster("export", "--healthy").stdout) and "model_name: up" in told


def test_export_where_nothing_can_be_written(muster: Operator) -> None:
    ended = muster("export", str(muster.folder / "no" / "folder"))
    assert ended.exit_code == 1 and "can't be written" in ended.stderr


def test_probing_again(muster: Operator) -> None:
    with Simulator() as simulator:
        muster.bring(entry(simulator, "one"), entry(simulator, "two"))
        id = {model.model_id: model.id for model in muster.models()}["one"]
        for which in (id, "one", "muster@openailike/one"):
            ended = muster("reprobe", which)
            assert ended.exit_code == 0 and states(ended) == [("accepted", "one")], ended.output
        ended = muster("reprobe", "--all", "--workers", "2")
    assert ended.exit_code == 0 and states(ended) == [("accepted", "one"), ("accepted", "two")]
    with muster.app.app_context():
        assert len(Probe.of_model(id, 10)) == 5


def test_one_that_works_no_more(muster: Operator) -> None:
    with Simulator() as simulator, Simulator() as other:
        muster.bring(entry(simulator, "one"), entry(other, "two"))
        other.stop()
        ended = muster("reprobe", "--all")
    assert ended.exit_code == 1 and states(ended) == [("accepted", "one"), ("rejected", "two")]
    assert "unreachable" in ended.stdout
    assert {model.model_id: model.health for model in muster.models()} == {"one": "up", "two": "down"}


def test_a_reference_that_several_share(muster: Operator) -> None:
    with Simulator() as simulator, Simulator() as other:
        muster.bring(entry(simulator), entry(other))
        ended = muster("reprobe", "ours")
    assert ended.exit_code == 2 and all(model.id in ended.stderr for model in muster.models())


def test_an_interrupted_import_ends_at_once_and_keeps_what_is_in(muster: Operator) -> None:
    with Simulator() as good, Simulator() as slow:
        slow.on("/chat/completions", lambda request: slow.pause(60))
        file = muster.folder / "config.yaml"
        file.write_text(yaml.safe_dump({"model_list": [entry(good, "one"), entry(slow, "two")]}), "utf-8")
        command = [sys.executable, "-m", "app.cli", "import", str(file)]
        with quick_start.Python(
            command, env=os.environ | muster.environ, cwd=ROOT, text=True, stdout=PIPE, stderr=PIPE
        ) as started:
            assert started.stdout and started.stderr
            first = started.stdout.readline()
            interrupted = time.monotonic()
            started.send_signal(signal.SIGINT)
            said = started.stderr.read()
            assert started.wait(20) == 130 and time.monotonic() - interrupted < 5
    assert first.startswith("registered   one") and "Interrupted." in said and "Traceback" not in said
    assert [model.model_id for model in muster.models()] == ["one"]


def test_an_export_that_can_not_be_written(muster: Operator) -> None:
    with open("/dev/full", "wb") as full:
        ended = ran(muster, "export", stdout=full)
    assert (ended.returncode, ended.stderr.count("\n")) == (
        3,
        1,
    ) and "No space left on device" in ended.stderr


def ran(muster: Operator, *arguments: str, stdout: Any) -> subprocess.CompletedProcess[str]:
    """A process of its own with its standard output led elsewhere."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    environ = os.environ | muster.environ
    return quick_start.run(
        command, env=environ, cwd=ROOT, stdout=stdout, stderr=PIPE, text=True, timeout=60, check=False
    )


def test_an_import_goes_on_when_nobody_reads(muster: Operator) -> None:
    file = muster.folder / "config.yaml"
    with Simulator() as simulator:
        entries = [entry(simulator, name) for name in ("one", "two", "three")]
        file.write_text(yaml.safe_dump({"model_list": entries}), "utf-8")
        read, write = os.pipe()
        os.close(read)
        try:
            ended = ran(muster, "import", str(file), "--workers", "1", stdout=write)
        finally:
            os.close(write)
    assert ended.returncode == 0 and ended.stderr.count("The work goes on without it.") == 1, ended.stderr
    assert [model.model_id for model in muster.models()] == ["one", "two", "three"]


def test_the_first_import_makes_the_key_ring(muster: Operator, tmp_path: Path) -> None:
    (tmp_path / "keyring.json").unlink()
    with Simulator() as simulator:
        ended = muster.bring(entry(simulator, api_key=KEY))
    assert ended.exit_code == 0 and (tmp_path / "keyring.json").exists()


def test_what_was_done_is_on_record(muster: Operator) -> None:
    with Simulator() as simulator:
        muster.bring(entry(simulator))
        muster("reprobe", "ours")
    with muster.app.app_context():
        events = list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
    assert [event.action for event in events] == ["key.used", "model.registered", "key.used", "model.probed"]
    assert {event.actor for event in events} == {"cli:muster"}


def test_a_file_with_includes_and_credentials(muster: Operator) -> None:
    with Simulator() as simulator:
        params = {"model": f"openai/{simulator.model_id}", "litellm_credential_name": "gpu"}
        main_file, folder = muster.folder / "config.yaml", muster.folder / "more"
        folder.mkdir()
        values = {"api_key": "os.environ/ANY_NAME", "api_base": "os.environ/ANY_BASE"}
        credentials = [{"credential_name": "gpu", "credential_values": values}]
        (folder / "credentials.yaml").write_text(yaml.safe_dump({"credential_list": credentials}))
        models = [{"model_name": "ours", "litellm_params": params}]
        main_file.write_text(yaml.safe_dump({"include": ["more/credentials.yaml"], "model_list": models}))
        base = ("--env", f"ANY_BASE={simulator.base_url}")
        mapped = muster("import", str(main_file), *base, "--env", "ANY_NAME=env://MUSTER_KEY_GOOD")
        muster.environ["ANY_NAME"] = KEY
        again = muster("import", str(main_file), *base, "--keys-from-env")
    assert mapped.exit_code == 0 and states(mapped) == [("registered", "ours")], mapped.output
    assert again.exit_code == 0 and states(again) == [("same", "ours")]
    assert muster.models()[0].endpoint.key_env == "MUSTER_KEY_GOOD"


def test_a_key_does_not_stand_on_the_command_line(muster: Operator) -> None:
    ended = muster("import", "-", "--env", "ANY=sk-clear", input="model_list: []")
    assert ended.exit_code == 2 and "sk-clear" not in ended.output
