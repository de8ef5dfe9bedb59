"""Schemathesis reads /openapi.json and tries to catch Muster saying or doing something else."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import config
from app.factory import create_app
from app.store import database, vault
from tests.conftest import LiveServer, new_token, served
from tests.web.api.conftest import Endpoint

# A good request may well be answered 400: the probe did not see the model work, and the addresses that are
# made up here lead nowhere.
CONFIG = """
[parameters]
id = "{id}"

[[operations]]
include-name = [
  "POST /v2/models/openai-like",
  "POST /v2/models/litellm/import",
  "POST /v2/models",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "409"]

# The endpoint of this test's model is in use, and what is made up for it leads nowhere.
[[operations]]
include-path-regex = "^/v2/endpoints"
parameters = {{ id = "{endpoint}" }}
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409"]

# That one time lies before another, and that a host is there, no schema can say.
[[operations]]
include-name = [
  "GET /v2/models/{{id}}/health/history", "POST /v2/channels", "PATCH /v2/channels/{{id}}",
  "POST /v2/maintenance",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]

# If-Match is a condition, and an ETag that is made up never holds.
[[operations]]
include-name = [
  "PATCH /v2/models/openai-like/{{id}}", "PATCH /v2/models/{{id}}", "DELETE /v2/models/{{id}}",
  "POST /v2/workspace-models", "DELETE /v2/workspace-models/{{id}}",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "404", "409", "412"]

# Other programs add parameters of their own there, which the tool takes for any value of a known one.
[[operations]]
include-name = ["GET /v1/models", "GET /v1/models/{{id}}", "GET /v3/router/models"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "404"]

# Which of two times must come first, and which hosts there are, is more than a schema can say.
[[operations]]
include-name = [
  "GET /v2/models/{{id}}/health/history", "POST /v2/maintenance",
  "POST /v2/channels", "PATCH /v2/channels/{{id}}",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]

# The model of this test goes away when it is deleted, and its host is checked by more than a pattern.
[[operations]]
include-name = [
  "POST /v2/models/openai-like/validate", "POST /v2/models/validate", "POST /v2/models/{{id}}/probes",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]
"""

# Before each request the tool reads the whole environment, of which it needs little. Which characters there
# are it works out for more than a second, unless it finds what hypothesis keeps of that.
_KEPT = Path(__file__).parents[3] / ".hypothesis"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HYPOTHESIS_STORAGE_DIRECTORY": str(_KEPT)}


@pytest.fixture
def quick_server(database_url: str, tmp_path: Path) -> Iterator[LiveServer]:
    """Muster behind a real socket, with little patience for addresses that lead nowhere."""
    limits = {"probe_connect_seconds": 0.5, "probe_first_byte_seconds": 1.0, "probe_seconds": 2.0}
    app = create_app(
        {
            "instance": tmp_path,
            "database_url": database_url,
            "rate_limit": 0,
            "probe_wait_seconds": 0.1,
            **limits,
        }
    )
    vault.ensure_ring(app.config["MUSTER"])
    config.ensure_secret(app.config["MUSTER"])
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with served(app) as server:
        yield server
    with app.app_context():
        database.let_go()


def registered(app: Flask, good: dict[str, Any], token: str) -> tuple[str, str]:
    """The id of a registered model, and that of its endpoint."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = app.test_client().post("/v2/models/openai-like?depth=proof", json=good, headers=headers)
    assert answer.status_code == 200 and answer.json is not None
    return str(answer.json["id"]), str(answer.json["configuration"]["integration_id"])


def test_every_check_of_schemathesis_passes(
    quick_server: LiveServer, tmp_path: Path, good: dict[str, Any], endpoint: Endpoint
) -> None:
    token = new_token(quick_server.app, "admin", "credentials")
    chosen = tmp_path / "schemathesis.toml"
    id, home = registered(quick_server.app, good, token)
    chosen.write_text(CONFIG.format(id=id, endpoint=home), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(chosen), "run",
        f"{quick_server.url}/openapi.json", "--header", f"Authorization: Bearer {token}", "--checks", "all",
        "--max-examples", "3", "--continue-on-failure", "--request-timeout", "20", "--warnings", "off",
        "--generation-database", "none", "--seed", "1",
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, timeout=550)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
