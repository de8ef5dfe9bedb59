"""Run in a copy of the program that the recipes of a capability were followed in (tests/test_recipes.py)."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY


def test_chip_filter_field_and_page_follow(
    client: FlaskClient, auth: dict[str, str], viewer: FlaskClient
) -> None:
    with Simulator() as endpoint:
        body = {"model_id": "good-model", "model_type": "chat", "base_url": endpoint.base_url}
        body |= {"api_key": KEY, "display_name": "One", "region": "eu"}
        answer = client.post("/v2/models/openai-like", json=body, headers=auth)
    assert answer.status_code == 200, answer.json
    assert answer.json and answer.json["metadata"]["supports_service_tier"] is True
    found = viewer.get("/models?seen=service_tier").text
    assert "One" in found and '<option value="service_tier" selected>Service tier</option>' in found
    assert ">tier<" in found
    assert "Service tier" in viewer.get(f"/models/{answer.json['id']}").text
