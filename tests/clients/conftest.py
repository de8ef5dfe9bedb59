"""A running Muster with its practice endpoint, for clients that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.practice.models import KEY
from tests.load.running import Running, running

_numbers = count(1)


@pytest.fixture(scope="session")
def muster(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """`muster serve --practice` on a database of its own. Tests share it, so each uses ids of its own."""
    url = ""
    if database_kind == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name = f"clients_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        chosen = make_url(server).set(drivername="postgresql+psycopg", database=name)
        url = chosen.render_as_string(hide_password=False)
    with running(tmp_path_factory.mktemp("muster"), url) as started:
        yield started


@pytest.fixture
def empty(muster: Running) -> Running:
    """The running Muster without any model."""
    with muster.session() as client:
        while models := client.get(f"{muster.url}/v2/models", timeout=10).json():
            for model in models:
                client.delete(f"{muster.url}/v2/models/{model['id']}", timeout=10).raise_for_status()
    return muster


@pytest.fixture
def good(muster: Running) -> dict[str, Any]:
    """The fields that register the practice chat model, as keyword arguments of a Python client."""
    return {
        "api_key": KEY,
        "base_url": muster.practice_url,
        "display_name": "Practice chat",
        "model_id": "practice-chat",
        "model_type": "chat",
        "region": "on-prem",
    }
