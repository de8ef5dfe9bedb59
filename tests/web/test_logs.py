"""A log line holds one request, whatever its caller put into the path."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("sign", ["%0A", "%0D", "%1B[2J", "%C2%9B", "%E2%80%A8", "%FF"])
def test_a_path_stays_on_one_line(client: FlaskClient, caplog: pytest.LogCaptureFixture, sign: str) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        client.get(f"/models{sign}200 OK")
    (record,) = [record for record in caplog.records if record.name == "muster.access"]
    path = record.__dict__["facts"]["path"]
    assert path.startswith("/models") and path.endswith("200 OK") and path.isprintable()
