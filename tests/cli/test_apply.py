"""`muster apply`, `models` and `endpoint`, on this machine's database and against a Muster elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from app.cli import main
from app.practice.models import KEY
from tests.conftest import LiveServer, new_token
from tests.web.api.conftest import Endpoint

Muster = Callable[..., Result]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A practice endpoint of this test's own."""
    started = Endpoint()
    yield started
    started.stop()


@pytest.fixture(params=["here", "elsewhere"])
def muster(
    request: pytest.FixtureRequest, live_server: LiveServer, database_url: str, tmp_path: Path
) -> Muster:
    """Runs the command: on the database, or over HTTP with a token."""
    variables = {
        "PRACTICE": KEY,
        "WRONG": "wrong-key",
        "PROXY": "http://ops:pass-word@127.0.0.1:1",
        "MUSTER_INSTANCE": str(tmp_path),
    }
    variables |= {"MUSTER_DATABASE_URL": database_url}
    if request.param == "elsewhere":
        token = new_token(live_server.app, "admin")
        variables |= {"MUSTER_URL": live_server.url, "MUSTER_TOKEN": token}
        variables |= {"MUSTER_DATABASE_URL": "sqlite:////nonexistent/muster.sqlite"}

    def run(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, arguments, env=variables)
        assert done.exit_code == code, (done.exit_code, done.output)
        assert KEY not in done.output
        return done

    return run


@pytest.fixture
def file(endpoint: Endpoint, tmp_path: Path) -> Path:
    """A file with one model."""
    models = [{"model_id": "practice-chat", "model_type": "chat"}]
    wanted = {"name": "Gateway", "base_url": endpoint.base_url, "api_key": KEY, "region": "eu"}
    path = tmp_path / "registry.yaml"
    path.write_text(yaml.safe_dump({"endpoints": [wanted | {"models": models}]}))
    return path


def test_apply_twice_then_export_and_apply_that(muster: Muster, file: Path, endpoint: Endpoint) -> None:
    assert "create" in muster("apply", str(file), "--dry-run", code=4).stdout
    assert endpoint.calls == []
    assert "created" in muster("apply", str(file)).stdout
    calls = len(endpoint.calls)
    again = json.loads(muster("apply", str(file), "--json").stdout)
    assert again["counts"] == {"create": 0, "change": 0, "same": 2, "delete": 0, "rejected": 0}
    exported = file.with_name("exported.yaml")
    exported.write_text(muster("export", "--format", "muster").stdout)
    assert json.loads(muster("apply", str(exported), "--prune", "--json").stdout)["counts"]["same"] == 2
    muster("apply", str(exported), "--dry-run")
    assert len(endpoint.calls) == calls


def test_apply_says_what_is_wrong_by_its_exit_code(muster: Muster, file: Path) -> None:
    whole = yaml.safe_load(file.read_text())
    whole["endpoints"][0]["models"].append({"model_id": "absent", "model_type": "chat"})
    file.write_text(yaml.safe_dump(whole))
    assert "model_not_found" in muster("apply", str(file), code=1).stdout
    for wrong in ("endpoints: [", "just text", "endpoint: []"):
        file.write_text(wrong)
        muster("apply", str(file), code=2)


def test_models_are_listed_shown_switched_and_deleted(muster: Muster, file: Path) -> None:
    muster("apply", str(file))
    (row,) = json.loads(muster("models", "list", "--json").stdout)
    id = row["id"]
    assert "practice-chat" in muster("models", "list", "--q", "PRACTICE").stdout
    assert muster("models", "list", "--tag", "none").stdout == ""
    assert json.loads(muster("models", "show", id).stdout)["labels"]["tags"] == []
    muster("models", "disable", "muster@openailike/practice-chat")
    assert json.loads(muster("models", "show", id, "--json").stdout)["enabled"] is False
    muster("models", "enable", id)
    muster("models", "delete", id)
    assert "not_found" in muster("models", "show", id, code=1).stderr


def test_a_proxy_comes_from_a_variable_and_must_be_allowed(muster: Muster, endpoint: Endpoint) -> None:
    arguments = ["endpoint", "add", endpoint.base_url, "--key-env", "PRACTICE", "--models", "practice-chat"]
    done = muster(*arguments, "--proxy-env", "PROXY", code=1)
    assert "MUSTER_ENDPOINT_PROXIES" in done.stderr and "pass-word" not in done.output
    assert endpoint.calls == []
    assert "EMPTY is not set" in muster(*arguments, "--proxy-env", "EMPTY", code=2).stderr
    both = muster(*arguments, "--proxy-env", "PROXY", "--proxy", "http://127.0.0.1:2", code=2)
    assert "--proxy or --proxy-env" in both.stderr


def test_an_endpoint_is_added_rotated_and_deleted(muster: Muster, endpoint: Endpoint) -> None:
    added = muster(
        "endpoint", "add", endpoint.base_url, "--key-env", "PRACTICE", "--models", "practice-chat,absent",
        "--name", "Ours", code=1,
    )  # fmt: skip
    assert "registered" in added.stdout and "model_not_found" in added.stdout
    assert "Ours" in muster("endpoint", "list").stdout
    assert "practice" in muster("endpoint", "show", "Ours", "--catalog").stdout
    assert "Nothing was changed" in muster("endpoint", "rotate", "Ours", "--key-env", "WRONG", code=1).stderr
    muster("endpoint", "rotate", "Ours", "--key-env", "PRACTICE")
    assert "2030-01-31" in muster("endpoint", "key-ends", "Ours", "2030-01-31").stdout
    assert "no known end" in muster("endpoint", "key-ends", "Ours", "unknown").stdout
    assert "key_ends" in muster("endpoint", "key-ends", "Ours", "soon", code=1).stderr
    assert "endpoint_in_use" in muster("endpoint", "delete", "Ours", code=1).stderr
    (model,) = json.loads(muster("models", "list", "--json").stdout)
    muster("models", "delete", model["id"])
    muster("endpoint", "delete", "Ours")
    assert json.loads(muster("endpoint", "list", "--json").stdout) == []


def test_all_that_an_endpoint_lists(muster: Muster, endpoint: Endpoint) -> None:
    arguments = ("--key-env", "PRACTICE", "--models", "all", "--json")
    done = muster("endpoint", "add", endpoint.base_url, *arguments, code=1)
    outcomes = {one["model_id"]: one["outcome"] for one in json.loads(done.stdout)["results"]}
    assert outcomes["practice-chat"] == "registered" and len(outcomes) > 5


def test_a_token_that_does_not_hold_is_told(live_server: LiveServer) -> None:
    arguments = ["models", "list", "--url", live_server.url]
    done = CliRunner().invoke(main, arguments, env={"MUSTER_TOKEN": "no-such-token"})
    assert done.exit_code == 1 and "invalid_api_key" in done.stderr and "no-such-token" not in done.output


def test_no_header_makes_a_caller_the_command_line(live_server: LiveServer) -> None:
    client = live_server.app.test_client()
    for name in ("muster.actor", "Muster-Actor", "muster_actor"):
        answer = client.get("/v2/models", headers={name: "cli:muster"})
        assert answer.status_code == 401
    forged = client.get("/v2/models", environ_overrides={"muster.actor": "cli:muster"})
    assert forged.status_code == 401


def test_importing_and_probing_elsewhere(muster: Muster, endpoint: Endpoint, tmp_path: Path) -> None:
    params = {"model": "openai/practice-chat", "api_base": endpoint.base_url, "api_key": KEY}
    bad = {"model_name": "bad", "litellm_params": params | {"model": "openai/absent"}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"model_list": [{"model_name": "ours", "litellm_params": params}, bad]}))
    assert "would probe" in muster("import", str(path), "--dry-run").stdout
    first = muster("import", str(path), code=1).stdout
    assert "registered" in first and "model_not_found" in first
    # The API does not say whether what is there differs; on this machine that is looked at.
    assert muster("import", str(path), code=1).stdout.startswith(("same ", "exists "))
    assert "accepted" in muster("reprobe", "--all").stdout
    assert "openai/practice-chat" in muster("export").stdout
    muster("models", "disable", "muster@openailike/ours")
    assert "practice-chat" not in muster("export").stdout
    assert "practice-chat" in muster("export", "--disabled").stdout
