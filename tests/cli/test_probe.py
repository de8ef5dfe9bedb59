"""`muster probe` and `python -m app.probe`: what they print, and the codes they end with."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.practice.wire import as_json, error
from tests import quick_start
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def endpoint() -> Iterator[Simulator]:
    """A good endpoint of a moderation model: few calls, no capabilities."""
    with Simulator(model_id="judge-1", model_type="moderation") as sim:
        yield sim


def muster(*arguments: str, **environ: str) -> Result:
    """`muster probe` in this process; no key but those in `environ`."""
    return CliRunner().invoke(main, ["probe", *arguments], env={"MUSTER_PROBE_KEY": None, **environ})


def probe(sim: Simulator, *arguments: str, **environ: str) -> Result:
    """Probe the endpoint's own model with its key in MUSTER_PROBE_KEY."""
    typed = [sim.base_url, sim.model_id, "--type", sim.model_type, *arguments]
    return muster(*typed, **{"MUSTER_PROBE_KEY": KEY, **environ})


def test_accepted_is_0_with_a_line_per_check(endpoint: Simulator) -> None:
    ended = probe(endpoint)
    assert ended.exit_code == 0 and ended.stderr == ""
    lines = ended.stdout.splitlines()
    for name in ("proof", "catalog", "wrong_key"):
        (started,) = (at for at, line in enumerate(lines) if "started" in line and name in line.split())
        (passed,) = (at for at, line in enumerate(lines) if "passed" in line and name in line.split())
        assert started < passed
        assert "✓" in lines[passed] and " s  " in lines[passed] and lines[passed + 1].strip()
    assert lines[-1] == "✓ accepted"
    assert "3 calls" in ended.stdout


def test_rejected_is_1_with_what_to_do(endpoint: Simulator) -> None:
    ended = muster(endpoint.origin, "judge-1", "--type", "moderation", MUSTER_PROBE_KEY=KEY)
    assert ended.exit_code == 1
    assert "✗ rejected      wrong_path (base_url)" in ended.stdout
    assert ended.stdout.splitlines()[-1] == f"  Try base_url: {endpoint.base_url}"


def test_the_key_comes_from_the_named_variable(endpoint: Simulator) -> None:
    assert probe(endpoint, "--key-env", "MY_KEY", MY_KEY=KEY, MUSTER_PROBE_KEY="wrong").exit_code == 0
    assert probe(endpoint, "--key-env", "MY_KEY", MY_KEY="wrong-key").exit_code == 1


def test_without_a_variable_no_key_is_sent(endpoint: Simulator) -> None:
    ended = muster(endpoint.base_url, "judge-1", "--type", "moderation")
    assert ended.exit_code == 1 and "without a key" in ended.stdout
    assert all("authorization" not in request.headers for request in endpoint.seen)


def test_a_key_is_cleaned_as_the_form_cleans_it(endpoint: Simulator) -> None:
    assert probe(endpoint, MUSTER_PROBE_KEY=f"\u200b “Bearer {KEY}”\n").exit_code == 0


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_the_key_is_never_printed(endpoint: Simulator, how: tuple[str, ...]) -> None:
    endpoint.every(error(401, f"The key {KEY} is not valid."))
    ended = probe(endpoint, *how)
    assert ended.exit_code == 1 and KEY not in ended.output


def test_a_key_that_can_not_be_sent_is_named(endpoint: Simulator) -> None:
    ended = probe(endpoint, MUSTER_PROBE_KEY="sk-\u0430bc")
    assert ended.exit_code == 1 and "invalid_request (api_key)" in ended.stdout


def test_json_is_the_report_alone(endpoint: Simulator) -> None:
    ended = probe(endpoint, "--json")
    report = json.loads(ended.stdout)
    assert report["verdict"] == "accepted" and report["diagnosis"] is None
    assert [check["name"] for check in report["checks"]] == ["proof", "catalog", "wrong_key"]
    assert "passed" in ended.stderr and "passed" not in ended.stderr.splitlines()[0]


def test_json_holds_no_nan(endpoint: Simulator) -> None:
    listed = {
        "data": [{"id": "judge-1", "context_length": float("nan"), "pricing": {"prompt": float("inf")}}]
    }
    endpoint.catalog(as_json(listed))
    json.loads(probe(endpoint, "--json").stdout, parse_constant=lambda word: pytest.fail(word))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "BASE_URL"),
        (("http://127.0.0.1:1/v1",), "MODEL_ID"),
        (("http://127.0.0.1:1/v1", " "), "MODEL_ID is empty"),
        (("127.0.0.1:1/v1", "m"), "BASE_URL must begin with http"),
        (("http://me:secret@127.0.0.1/v1", "m"), "user name"),
        (("http://127.0.0.1:1/v1", "m", "--type", "poem"), "poem"),
        (("http://127.0.0.1:1/v1", "m", "--depth", "deepest"), "deepest"),
        (("http://127.0.0.1:1/v1", "m", "--key-env", "NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE is not set"),
        (("http://127.0.0.1:1/v1", "m", "--declare", "telepathy"), "telepathy is no capability"),
        (("http://127.0.0.1:1/v1", "m", "--type", "tts", "--declare", "vision"), "vision is no capability"),
        (("http://127.0.0.1:1/v1", "m", "--key", "sk-1"), "--key"),
        (("http://127.0.0.1:1/v1", "m", "--repeat", "1"), "2<=x<=50"),
        (("http://127.0.0.1:1/v1", "m", "--checks", "vision"), "--repeat"),
        (("http://127.0.0.1:1/v1", "m", "--repeat", "3", "--checks", "a,vision"), "a can't be repeated"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], words: str) -> None:
    ended = muster(*arguments)
    assert ended.exit_code == 2 and words in ended.stderr and "Traceback" not in ended.output


@pytest.mark.parametrize("value", ["", " "])
def test_a_variable_that_is_empty_is_2(value: str) -> None:
    ended = muster("http://127.0.0.1:1/v1", "m", "--key-env", "MY_KEY", MY_KEY=value)
    assert ended.exit_code == 2 and "The environment variable MY_KEY is empty." in ended.stderr


def test_a_setting_that_can_not_be_used_is_2() -> None:
    ended = muster("http://127.0.0.1:1/v1", "m", MUSTER_PROBE_SECONDS="soon")
    assert ended.exit_code == 2 and "MUSTER_PROBE_SECONDS" in ended.stderr


def test_the_settings_hold(endpoint: Simulator) -> None:
    ended = probe(endpoint, MUSTER_EGRESS_PRIVATE="0")
    assert ended.exit_code == 1 and "egress_denied" in ended.stdout and endpoint.seen == []


def test_declared_capabilities_and_strictness() -> None:
    with Simulator(model_id="paint-1", model_type="image") as sim:
        sim.on("/images/edits", error(404, "Not Found"))
        loose = probe(sim, "--declare", "image_edit")
        strict = probe(sim, "--declare", "image_edit", "--strict")
        proof = probe(sim, "--declare", "image_edit", "--strict", "--depth", "proof")
    assert loose.exit_code == 0 and "! warning" in loose.stdout and "capability_contradicted" in loose.stdout
    assert ["image_edit", "yes", "no"] in [line.split() for line in loose.stdout.splitlines()]
    assert strict.exit_code == 1 and "capability_contradicted" in strict.stdout
    assert proof.exit_code == 0


def test_the_wrong_key_can_be_left_out(endpoint: Simulator) -> None:
    assert probe(endpoint, "--no-wrong-key").exit_code == 0
    assert {request.key for request in endpoint.seen} == {KEY}


def test_an_endpoint_s_control_characters_stay_out(endpoint: Simulator) -> None:
    endpoint.every(error(400, "bad \x1b[31mred\x1b[0m \u202egnp.exe"))
    ended = probe(endpoint)
    assert "\x1b" not in ended.output and "\u202e" not in ended.output


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of its own, without colours asked for or forbidden."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return kept | {"MUSTER_PROBE_KEY": KEY, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | more


def command(sim: Simulator) -> list[str]:
    """`python -m app.probe` for the endpoint's own model."""
    return [sys.executable, "-m", "app.probe", sim.base_url, sim.model_id, "--type", sim.model_type]


def test_it_runs_as_a_module_of_its_own(endpoint: Simulator) -> None:
    ended = quick_start.run(
        command(endpoint), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "✓ accepted" and "\x1b" not in ended.stdout


@pytest.mark.parametrize("module", ["app.probe", "app.cli"])
def test_what_can_not_be_printed_is_no_verdict(endpoint: Simulator, module: str) -> None:
    arguments = [*(["probe"] if module == "app.cli" else []), *command(endpoint)[3:]]
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = quick_start.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1), ended.stderr
    assert "The output can't be written (No space left on device)." in ended.stderr


def test_an_unknown_setting_gets_a_warning(endpoint: Simulator) -> None:
    ended = probe(endpoint, MUSTER_PROBE_SECOND="1")
    assert ended.exit_code == 0 and "MUSTER_PROBE_SECOND is not a setting" in ended.stderr
    assert "MUSTER_PROBE_KEY" not in ended.stderr


def test_an_ascii_stream_gets_ascii(endpoint: Simulator) -> None:
    env = environment(PYTHONIOENCODING="ascii")
    ended = subprocess.run(command(endpoint), cwd=ROOT, env=env, capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode("ascii").splitlines()[-1] == "+ accepted"


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(endpoint: Simulator, no_color: str, coloured: bool) -> None:
    master, slave = pty.openpty()
    running = quick_start.Python(
        command(endpoint), cwd=ROOT, env=environment(NO_COLOR=no_color), stdout=slave, stderr=slave
    )
    os.close(slave)
    printed = b""
    while piece := _read(master):
        printed += piece
    assert running.wait(30) == 0
    os.close(master)
    assert (b"\x1b[32m" in printed) is coloured and b"accepted" in printed


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # a terminal whose other side is closed
        return b""


def test_an_interrupt_ends_it_at_once() -> None:
    with Simulator(model_id="judge-1", model_type="moderation") as sim:
        sim.every(lambda request: sim.pause(20))
        running = quick_start.Python(
            command(sim),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stdout
        while "started" not in (line := running.stdout.readline()):
            assert line, "the command ended before it began"
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=15)
    assert running.returncode == 130 and time.monotonic() - began < 8
    assert complaint == "Interrupted.\n"
