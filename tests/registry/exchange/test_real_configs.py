"""LiteLLM configurations as teams keep them: each entry gets in, or it is said why not and what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from app.registry.exchange.litellm import config_file as litellm_config
from app.registry.exchange.plan import plan

CONFIGS = yaml.safe_load(Path(__file__).with_name("real_configs.yaml").read_text(encoding="utf-8"))
VARIABLES = ("MUSTER_KEY_OPENAI", "MUSTER_KEY_GROQ", "MUSTER_KEY_OR", "MUSTER_KEY_VLLM")


@pytest.mark.parametrize("case", CONFIGS, ids=[case["name"] for case in CONFIGS])
def test_every_entry_is_planned_or_explained(
    app: Flask, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "key-of-this-test")
    config = litellm_config.parse(yaml.safe_dump(case["config"]))
    with app.test_request_context():
        steps = plan(litellm_config.resolved(config, case["variables"].get))
    assert [step.name for step in steps] == list(case["outcome"])
    for step, wanted in zip(steps, case["outcome"].values(), strict=True):
        if wanted.startswith("!"):
            assert step.action in ("refuse", "skip") and wanted[1:] in step.why, step
        else:
            assert (step.action, step.values["base_url"]) == ("create", wanted), step.why
