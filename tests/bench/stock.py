"""Fills a registry with many models: one really registered, and copies of its row under other names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import requests
from sqlalchemy import Engine, create_engine, insert, select, text

from app.practice.models import KEY
from app.store.base import new_id
from app.store.models import RegisteredModel, identity_of, search_text
from app.store.probes import Probe
from tests.load.running import Running

AT_ONCE = 2000
WORDS = ("llama", "qwen", "mistral", "gemma", "phi", "command", "granite", "deepseek", "yi", "falcon")
REGIONS = ("us", "europe", "on-prem", "asia")


def register_one(muster: Running, base_url: str = "", slug: str = "the-first") -> str:
    """Register the practice chat model under a slug, through the API; gives its id."""
    body = {
        "api_key": KEY, "base_url": base_url or muster.practice_url, "display_name": "The first",
        "model_id": slug, "configuration": {"model_id": "practice-chat"}, "model_type": "chat",
        "region": "on-prem", "description": "Registered for a measurement", "input_cost": 0.25,
    }  # fmt: skip
    with muster.session() as client:
        answer = client.post(f"{muster.url}/v2/models/openai-like", json=body, timeout=60)
    assert answer.status_code == requests.codes.ok, answer.text
    return str(answer.json()["id"])


def fill(muster: Running, models: int) -> None:
    """Grow the registry to this many models, the last of which is really registered."""
    first = register_one(muster)
    with _engine(muster) as engine:
        rows = _copies(_row(engine, RegisteredModel, first), models - 1)
        _insert(engine, RegisteredModel, rows)
        _read_all(muster)
        _settle(engine)


def fill_probes(muster: Running, id: str, probes: int) -> None:
    """Give a model this many probes more, copies of its first one."""
    with _engine(muster) as engine:
        table = Probe.__table__
        with engine.connect() as connection:
            wanted = select(table.c.id).where(table.c.model_pk == id).limit(1)
            first = connection.execute(wanted).scalar_one()
        row = _row(engine, Probe, first)
        _insert(engine, Probe, (row | {"id": new_id()} for _ in range(probes)))
        _settle(engine)


@contextmanager
def _engine(muster: Running) -> Iterator[Engine]:
    engine = create_engine(muster.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def _row(engine: Engine, table: type[RegisteredModel] | type[Probe], id: str) -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(select(table.__table__).where(table.__table__.c.id == id)).mappings()
        return dict(found.one())


def _copies(row: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Copies of a row whose names and hosts differ as those of a real registry do."""
    for at in range(number):
        word, host = WORDS[at % len(WORDS)], f"gpu-{at % 997:03d}.example.com"
        own = {"model_id": f"{word}-{at:06d}", "base_url": f"https://{host}/v1", "region": REGIONS[at % 4]}
        named = {"id": new_id(), "display_name": f"{word.title()} number {at}"}
        identity = identity_of(own["model_id"], own["base_url"], row["model_type"])
        search = search_text(named["display_name"], own["model_id"], own["base_url"])
        kept = {"identity": identity, "search": search, "last_probe_id": None}
        yield row | own | named | kept


def _insert(
    engine: Engine, table: type[RegisteredModel] | type[Probe], rows: Iterator[dict[str, Any]]
) -> None:
    while batch := list(islice(rows, AT_ONCE)):
        with engine.begin() as connection:
            connection.execute(insert(table), batch)


def _settle(engine: Engine) -> None:
    """What PostgreSQL does by itself within minutes: tidy up and look at what is there. SQLite does not."""
    if engine.dialect.name == "sqlite":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _read_all(muster: Running) -> None:
    """Read every page of the list once: what Muster makes when it is first asked for is made then."""
    url: str | None = f"{muster.url}/v2/models?limit=500"
    with muster.session() as client:
        while url:
            answer = client.get(url, timeout=120)
            assert answer.status_code == requests.codes.ok, answer.text
            url = answer.links.get("next", {}).get("url")
