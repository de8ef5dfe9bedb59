"""The call of every check, repeated by hand: the command of the page, run by a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.picture import to_edit
from app.probe.model_types.sound import sound
from app.probe.run import run
from app.probe.values import Check, Finished, Target
from app.web.pages.check_rows import curl_of_check
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.registry.exchange.rows import HOSTILE

SEVERAL = ("chat", "completion", "embedding", "image", "rerank", "stt", "tts", "moderation")


def checks(sim: Simulator) -> tuple[Check, ...]:
    """The checks of a probe with the endpoint's own key."""
    typed = Target(sim.base_url, KEY, sim.model_id)
    events = list(run(typed, MODEL_TYPES[sim.model_type], {}, key_control=False))
    (ended,) = (event for event in events if isinstance(event, Finished))
    assert ended.report.verdict == "accepted"
    return ended.report.checks


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
@pytest.mark.parametrize("model_type", SEVERAL)
@pytest.mark.parametrize("path", ["/v1", "/api/v1?api-version=2"])
def test_the_command_of_a_check_does_what_the_check_did(model_type: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "sound.wav").write_bytes(sound())
    (tmp_path / "square.png").write_bytes(to_edit())
    with Simulator(path, model_id="m 1", model_type=model_type) as sim:
        for check in checks(sim)[:6] if model_type == "chat" else checks(sim):
            command = curl_of_check(sim.base_url, check.as_dict(), keyed=True)
            assert command is not None and KEY not in command
            ended = subprocess.run(
                ["sh", "-c", f"{command} -s -o answer -w '%{{http_code}}'"],
                cwd=tmp_path,
                env={**os.environ, "API_KEY": KEY, "no_proxy": "*"},
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert ended.stdout == str(check.http_status), (check.name, command, ended.stderr)
            assert sim.seen[-1].path == check.path and sim.seen[-1].query == path.partition("?")[2]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
@pytest.mark.parametrize("model_type", ["chat", "stt"])
@pytest.mark.parametrize("model_id", HOSTILE)
def test_the_command_says_exactly_the_id(model_type: str, model_id: str, tmp_path: Path) -> None:
    (tmp_path / "sound.wav").write_bytes(sound())
    with Simulator("/v1?a=[1-3]{x,y}", model_id=model_id, model_type=model_type) as sim:
        check = checks(sim)[0]
        command = curl_of_check(sim.base_url, check.as_dict(), keyed=True)
        asked = len(sim.seen)
        assert command is not None
        if model_type == "chat":  # a form's parts have no way to write a sign otherwise
            assert all(sign.isprintable() or sign == "\n" for sign in command)
        environ = {**os.environ, "API_KEY": KEY, "no_proxy": "*"}
        subprocess.run(["sh", "-c", f"{command} -fsS"], cwd=tmp_path, env=environ, timeout=30, check=True)
        (seen,) = sim.seen[asked:]
    assert seen.query == "a=[1-3]{x,y}"
    assert model_id == (seen.json["model"] if model_type == "chat" else seen.form["model"].decode())


def test_the_command_of_a_realtime_session_asks_for_a_websocket() -> None:
    with Simulator(model_id="voice 1", model_type="realtime") as sim:
        proof = checks(sim)[0].as_dict()
        command = curl_of_check(sim.base_url, proof, keyed=False)
    assert command is not None and "Upgrade: websocket" in command and "Authorization" not in command
    assert f"{sim.origin}/v1/realtime?model=voice%201" in command


def test_a_check_that_asked_nothing_has_no_command() -> None:
    assert curl_of_check("https://models.example.com/v1", Check("x", "skipped").as_dict(), keyed=True) is None
