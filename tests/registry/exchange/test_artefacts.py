"""Artefacts are run as they stand: by a shell, by Python, by Node, and read by Terraform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hcl2
import pytest
import yaml

from app.probe.model_types import MODEL_TYPES
from app.registry.exchange.artefacts import KINDS, all_of
from app.registry.exchange.exports import FORMATS
from app.store.endpoints import EndpointHeader
from app.store.models import RegisteredModel
from tests.clients.installed import node_clients
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.probe.wire import relay, serve
from tests.registry.exchange.rows import HOSTILE, row

pytestmark = pytest.mark.usefixtures("settings_only")

ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "API_KEY": KEY}
CALLED = [name for name in MODEL_TYPES if name != "realtime"]
PATHS = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
    "image": "/v1/images/generations",
    "rerank": "/v1/rerank",
    "stt": "/v1/audio/transcriptions",
    "tts": "/v1/audio/speech",
    "moderation": "/v1/moderations",
}


def run(command: Sequence[str], folder: Path, **environ: str) -> str:
    """What a program prints; it must end well."""
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    ended = subprocess.run(
        command, cwd=folder, env=ENVIRON | environ, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def served(simulator: Simulator, **changes: Any) -> RegisteredModel:
    """The row of what a simulator serves."""
    return row(
        base_url=simulator.base_url,
        model_id=simulator.model_id,
        model_type=simulator.model_type,
        **changes,
    )


def asked_for(simulator: Simulator) -> str:
    """The model id of the only request that came; its path and its answer were right."""
    (request,) = simulator.seen
    assert (request.method, request.path) == ("POST", PATHS[simulator.model_type])
    if isinstance(request.json, dict):
        return str(request.json["model"])
    model: bytes = request.form["model"]
    return model.decode()


@pytest.mark.parametrize("model_type", CALLED)
def test_curl_calls_it(model_type: str, tmp_path: Path) -> None:
    with Simulator(model_type=model_type) as simulator:
        text = all_of(served(simulator))["curl"]
        run(["sh", "-c", text.replace("curl ", "curl --fail ", 1)], tmp_path)
        assert asked_for(simulator) == "good-model"


@pytest.mark.parametrize("model_id", HOSTILE)
def test_curl_says_exactly_the_id(model_id: str, tmp_path: Path) -> None:
    for model_type in ("chat", "stt"):
        with Simulator(model_id=model_id, model_type=model_type) as simulator:
            text = all_of(served(simulator))["curl"]
            run(["sh", "-c", text.replace("curl ", "curl --fail ", 1)], tmp_path)
            assert asked_for(simulator) == model_id
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def all_served(stack: ExitStack) -> list[Simulator]:
    """An endpoint of each type that is called over HTTP."""
    return [stack.enter_context(Simulator(model_type=model_type)) for model_type in CALLED]


def test_python_calls_every_type(tmp_path: Path) -> None:
    with ExitStack() as stack:
        simulators = all_served(stack)
        for simulator in simulators:
            script = all_of(served(simulator))["python"]
            (tmp_path / f"{simulator.model_type}.py").write_text(script, encoding="utf-8")
        names = [f"{simulator.model_type}.py" for simulator in simulators]
        run([sys.executable, "-c", f"import runpy; [runpy.run_path(name) for name in {names}]"], tmp_path)
        assert [asked_for(simulator) for simulator in simulators] == ["good-model"] * len(CALLED)


def test_python_says_exactly_the_id(tmp_path: Path) -> None:
    model_id = "".join(HOSTILE)
    with Simulator(model_id=model_id) as simulator:
        run([sys.executable, "-c", all_of(served(simulator))["python"]], tmp_path)
        assert asked_for(simulator) == model_id


def test_node_calls_every_type(tmp_path: Path) -> None:
    clients = node_clients()
    (tmp_path / "node_modules").symlink_to(clients / "node_modules")
    with ExitStack() as stack:
        simulators = all_served(stack)
        for simulator in simulators:
            script = all_of(served(simulator))["node"]
            (tmp_path / f"{simulator.model_type}.mjs").write_text(script, encoding="utf-8")
        imports = "".join(f'await import("./{simulator.model_type}.mjs");' for simulator in simulators)
        (tmp_path / "every.mjs").write_text(imports, encoding="utf-8")
        run(["node", "every.mjs"], tmp_path)
        assert [asked_for(simulator) for simulator in simulators] == ["good-model"] * len(CALLED)


def test_a_query_string_is_sent(tmp_path: Path) -> None:
    clients = node_clients()
    (tmp_path / "node_modules").symlink_to(clients / "node_modules")
    with Simulator(path="/v1?api-version=2024&empty=") as simulator:
        made = all_of(served(simulator))
        (tmp_path / "call.mjs").write_text(made["node"], encoding="utf-8")
        run(["sh", "-c", made["curl"].replace("curl ", "curl --fail ", 1)], tmp_path)
        run([sys.executable, "-c", made["python"]], tmp_path)
        run(["node", "call.mjs"], tmp_path)
        assert [request.query for request in simulator.seen] == ["api-version=2024&empty="] * 3


def own_way(simulator: Simulator) -> RegisteredModel:
    """What a simulator serves, called with a key in a header of its own and a further header."""
    model = served(simulator)
    model.endpoint.auth_header, model.endpoint.auth_scheme = "x-api-key", "Token"
    model.endpoint.headers.append(EndpointHeader(name="X-Team", ciphertext=b"sealed"))
    return model


@pytest.mark.parametrize("kind", ["curl", "python", "node"])
def test_the_key_goes_in_its_own_header_with_the_further_ones(kind: str, tmp_path: Path) -> None:
    with Simulator() as simulator:
        text = all_of(own_way(simulator))[kind]
        if kind == "node":
            (tmp_path / "node_modules").symlink_to(node_clients() / "node_modules")
            (tmp_path / "call.mjs").write_text(text, encoding="utf-8")
        commands = {"curl": ["sh", "-c", text], "python": [sys.executable, "-c", text]}
        with suppress(AssertionError):  # the simulator wants the key as a bearer; what was sent is judged
            run(commands.get(kind, ["node", "call.mjs"]), tmp_path, HEADER_X_TEAM="blue")
        sent = {name.lower(): value for name, value in simulator.seen[0].headers.items()}
    assert (sent["x-api-key"], sent["x-team"]) == (f"Token {KEY}", "blue")
    assert "authorization" not in sent


def test_certificates_are_files_that_variables_name() -> None:
    model = row()
    model.endpoint.ca_pem, model.endpoint.client_certificate = "PEM", b"sealed"
    made = all_of(model)
    assert '--cacert "$CA_FILE"' in made["curl"] and '--cert "$CLIENT_CERTIFICATE_FILE"' in made["curl"]
    for kind in ("python", "node"):
        assert "CA_FILE" in made[kind] and "CLIENT_CERTIFICATE_FILE" in made[kind]
    assert "SSL_CERT_FILE" in made["litellm"] and "certificates" in made["terraform"]
    compile(made["python"], "call.py", "exec")


@pytest.mark.parametrize("has_password", [False, True])
@pytest.mark.parametrize("kind", ["curl", "python", "node"])
def test_a_proxy_of_its_own_carries_the_call(kind: str, has_password: bool, tmp_path: Path) -> None:
    with Simulator() as simulator, serve(relay(urlsplit(simulator.base_url).port or 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        model = row(base_url="http://gpu.example/v1")
        model.endpoint.proxy = address
        model.endpoint.proxy_ciphertext = b"sealed" if has_password else None
        text = all_of(model)[kind]
        assert (address in text) is not has_password
        if kind == "node":
            (tmp_path / "node_modules").symlink_to(node_clients() / "node_modules")
            (tmp_path / "call.mjs").write_text(text, encoding="utf-8")
        commands = {"curl": ["sh", "-c", text], "python": [sys.executable, "-c", text]}
        variables = {"PROXY_URL": address.replace("//", "//user:word@")} if has_password else {}
        run(commands.get(kind, ["node", "call.mjs"]), tmp_path, **variables)
        assert asked_for(simulator) == "good-model"
        asked = proxy.requests[0].lower()
    assert b"gpu.example" in asked and (b"proxy-authorization: basic dxnlcjp3b3jk" in asked) is has_password


def test_a_proxy_is_told_where_there_is_no_way_to_name_it() -> None:
    model = row()
    model.endpoint.proxy = "http://proxy.example:3128"
    made = all_of(model)
    assert "proxy http://proxy.example:3128" in made["litellm"] and "endpoint wants" not in made["litellm"]
    assert "certificates and proxy" in made["terraform"]


def test_without_a_key_none_is_asked_for(tmp_path: Path) -> None:
    made = all_of(row(key_ciphertext=None))
    assert all("API_KEY" not in made[kind] for kind in ("curl", "python", "node"))
    assert 'api_key      = "none"' in made["terraform"] and "api_key: none" in made["litellm"]


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_type_has_every_kind(model_type: str) -> None:
    made = all_of(row(model_type=model_type))
    assert list(made) == list(KINDS) and all(made.values())


def test_realtime_opens_a_session() -> None:
    model = row(model_type="realtime", model_id="voice & more", base_url="https://h/v1?a=b")
    made = all_of(model)
    assert "https://h/v1/realtime?a=b&model=voice%20%26%20more" in made["curl"]
    assert 'client.realtime.connect(model="voice & more")' in made["python"]
    assert 'new OpenAIRealtimeWS({ model: "voice & more" }, client)' in made["node"]


def test_the_id_that_is_sent_is_the_endpoints() -> None:
    made = all_of(row(model_id="ours", remote_model_id="theirs"))
    assert all("theirs" in text for text in made.values())
    assert all("ours" not in made[kind] for kind in ("curl", "python", "node"))


def test_litellm_is_an_entry_of_a_list() -> None:
    (entry,) = yaml.safe_load(all_of(row(key_env="MUSTER_KEY_X"))["litellm"])
    assert entry["litellm_params"]["api_key"] == "os.environ/MUSTER_KEY_X"


DECLARED: dict[str, Any] = {
    "description": "two\nlines ${x}",
    "input_cost": 0.15,
    "output_cost": 3.0,
    "max_tokens": 4096,
    "temperature": 0.5,
    "has_reasoning": True,
    "supports_vision": False,
}


def test_terraform_takes_the_block(tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not there, so the block was NOT tested")
    blocks = [all_of(row(model_id=model_id, **DECLARED))["terraform"] for model_id in HOSTILE]
    (tmp_path / "main.tf").write_text("\n".join(blocks), encoding="utf-8")
    # It reads each, and finds nothing to lay out in another way.
    run([terraform, "fmt", "-check", "-diff"], tmp_path)


def test_terraform_blocks_of_any_models_stand_in_one_file() -> None:
    models = [row(model_id=model_id) for model_id in ("twin", "twin", "a b", "a/b", "x" * 200, "x" * 201)]
    made = [all_of(model)["terraform"] for model in models]
    assert made == [all_of(model)["terraform"] for model in models]
    names = [re.findall(r'^(?:variable|resource "orq_model") "([a-z0-9_]+)"', text, re.M) for text in made]
    assert len({name for both in names for name in both}) == 2 * len(models)
    assert all(f"= var.{both[0]}\n" in text for both, text in zip(names, made, strict=True))


def test_a_whole_registry_is_one_terraform_file() -> None:
    rows = [row(model_type=name, model_id=f"{name} {HOSTILE[at]}") for at, name in enumerate(MODEL_TYPES)]
    rows += [row(base_url="https://h/v1?a=b"), row(key_ciphertext=None), row(key_env="MUSTER_KEY_X")]
    text = FORMATS["terraform"].make(rows)
    parsed: Any = hcl2.loads(text)
    made = [body for block in parsed["resource"] for kind in block.values() for body in kind.values()]
    taken = [one for one in rows if one.model_type in ("chat", "completion", "embedding", "image")]
    taken = [one for one in taken if "?" not in one.base_url]
    assert [body["model_type"].strip('"') for body in made] == [one.model_type for one in taken]
    assert len(parsed["variable"]) == sum(
        one.endpoint.key_ciphertext is not None and not one.endpoint.key_env for one in taken
    )
    assert all(body["api_key"] != '""' for body in made)
    assert text.count("so it refuses this one") == len(rows) - len(taken)


def test_terraform_validates_the_file(tmp_path: Path) -> None:
    """Against the provider's own schema, where somebody has put the provider into the usual folder."""
    plugins, terraform = Path.home() / ".terraform.d/plugins", shutil.which("terraform")
    if terraform is None or not plugins.is_dir():
        pytest.skip(
            f"terraform or its provider orq-ai/orq ({plugins}) is not there: `terraform validate` did NOT "
            "run; python-hcl2 read the file"
        )
    rows = [row(model_id=model_id, **DECLARED) for model_id in HOSTILE]
    (tmp_path / "main.tf").write_text(FORMATS["terraform"].make(rows), encoding="utf-8")
    run([terraform, "init", "-backend=false", "-input=false", f"-plugin-dir={plugins}"], tmp_path)
    run([terraform, "validate"], tmp_path)


def test_terraform_says_what_was_declared() -> None:
    made = all_of(row(**DECLARED, key_env="MUSTER_KEY_X"))["terraform"]
    lines = {line.strip().replace("  ", "") for line in made.splitlines()}
    wanted = {"has_reasoning = true", "supports_vision = false", "output_cost = 3", "temperature = 0.5"}
    assert wanted <= {" ".join(line.split()) for line in lines}
    assert '"env://MUSTER_KEY_X"' in made and "variable" not in made and "supports_tool_calling" not in made


def test_terraform_knows_what_the_provider_refuses() -> None:
    speech = all_of(row(model_type="tts", base_url="https://h/v1?a=b"))["terraform"]
    assert speech.count("refuses") == 3
    image = all_of(row(model_type="image", input_cost=1.0, cost_per_image=0.04))["terraform"]
    assert "input_cost" not in image and "cost_per_image = 0.04" in image
