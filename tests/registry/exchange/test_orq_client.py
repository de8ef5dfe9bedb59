"""The published Python client imports from LiteLLM. Its definitions have no place for an address or a key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from orq_ai_sdk import Orq
from werkzeug.serving import make_server

from tests.conftest import new_token
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY

PARAMS = {
    "model": "anthropic/claude",
    "merge_reasoning_content_in_choices": False,
    "use_in_pass_through": False,
    "use_litellm_proxy": False,
}
INFO: dict[str, Any] = {"db_model": False, "id": None, "key": None, "litellm_provider": "anthropic"}


def test_through_the_proxy_of_the_settings(
    app_with: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_LITELLM", KEY)
    with Simulator(model_id="claude") as proxy:
        app = app_with(litellm_base_url=proxy.base_url, litellm_api_key="env://MUSTER_KEY_LITELLM")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        info = INFO | {"mode": "chat", "input_cost_per_token": 3e-06, "supports_vision": True}
        with Orq(api_key=new_token(app, "write"), server_url=url) as client:
            definition: Any = {"model_name": "claude", "litellm_params": PARAMS, "model_info": info}
            made = client.models.import_litellm(request=[definition])
        server.shutdown()
        thread.join()
        server.server_close()
    (document,) = made
    assert (document.model_id, document.model_type, document.input_cost) == ("claude", "chat", 3)
    assert document.metadata.supports_vision is True
    assert document.configuration.base_url == proxy.base_url
