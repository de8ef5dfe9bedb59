"""Two machines on one PostgreSQL behind the sample proxy: one Muster to all who ask, also during an upgrade.

Each has an instance folder of its own and the secrets that docs/team.md names; nothing else is shared.
"""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from app.practice.models import KEY
from tests.deploy.proxy import NGINX, proxied
from tests.load.running import PASSWORD, Running, running

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="there is no nginx; install nginx-light")
RATE = 120
EVERY_S = 5
SHARED = {
    "secret_key": "one secret for every machine, 0123456789",
    "encryption_keys": base64.b64encode(b"k" * 32).decode(),
    "trusted_proxies": 1,
    "workers": 1,
    "threads": 32,
    "watch_seconds": EVERY_S,
    "watch_threads": 4,
    "signin_limit": 10,
    "rate_limit": RATE,
}


class Team(NamedTuple):
    """Two machines, and their database without a driver in its URL."""

    first: Running
    second: Running
    database: str

    def url(self, number: int) -> str:
        """The URLs of the machines in turn."""
        return (self.second if number % 2 else self.first).url


@pytest.fixture(scope="module")
def team(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """The machines; the first has made the database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE several_machines")
    url = make_url(postgres_url).set(drivername="postgresql", database="several_machines")
    shown = url.render_as_string(hide_password=False)
    with running(tmp_path_factory.mktemp("first"), shown, **SHARED) as first:
        with running(tmp_path_factory.mktemp("second"), shown, practice=False, **SHARED) as second:
            yield Team(first, second, shown)


def from_address(number: int) -> dict[str, str]:
    """What a trusted proxy says of a caller: each test is somebody else."""
    return {"X-Forwarded-For": f"192.0.2.{number}"}


def registered(team: Team, model_id: str) -> str:
    """The id of a practice model, registered at the first machine."""
    body = {
        "base_url": team.first.practice_url, "api_key": KEY, "model_id": model_id, "model_type": "chat",
        "display_name": model_id, "region": "on-prem",
    }  # fmt: skip
    answer = team.first.session().post(f"{team.first.url}/v2/models/openai-like", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_who_signed_in_at_one_is_signed_in_at_the_other(team: Team, tmp_path: Path) -> None:
    browser = team.first.browser("both@example.com")  # a cookie holds for every port of a host
    assert browser.get(f"{team.second.url}/account", timeout=30).status_code == 200
    with proxied([team.first, team.second], tmp_path) as (url, _, authority):
        browser.verify, browser.trust_env = authority, False
        # Over https the same session has the name that browsers keep for this host.
        cookie = {"Cookie": f"__Host-muster={browser.cookies['muster']}", "Connection": "close"}
        pages = [browser.get(f"{url}/account", headers=cookie, timeout=30).status_code for _ in range(6)]
    assert pages == [200] * 6
    assert all('"/account"' in machine.logged() for machine in (team.first, team.second)), (
        "the proxy used one machine only"
    )


def test_a_key_that_came_in_at_one_is_used_by_the_other(team: Team) -> None:
    id = registered(team, "practice-chat-slow")
    probed = team.second.session().post(f"{team.second.url}/v2/models/{id}/probes", timeout=60)
    assert probed.status_code == 200 and probed.json()["verdict"] == "accepted", probed.text
    assert team.first.session().delete(f"{team.first.url}/v2/models/{id}", timeout=30).ok


def test_sign_ins_are_counted_together(team: Team) -> None:
    """Ten a minute for an address, wherever they go."""
    client, statuses = requests.Session(), []
    for turn in range(12):
        url = team.url(turn)
        form = client.get(f"{url}/signin", headers=from_address(7), timeout=30).text
        token = form.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        typed = {"csrf_token": token, "email": f"nobody{turn}@example.com", "password": PASSWORD}
        statuses.append(
            client.post(f"{url}/signin", data=typed, headers=from_address(7), timeout=30).status_code
        )
    assert statuses[:10].count(429) == 0 and statuses[10:] == [429, 429]


def test_requests_are_counted_together(team: Team) -> None:
    """So many a minute for a token, wherever they go; what a process holds back is a sixtieth at most."""
    for _ in range(3):
        minute, statuses = time.time() // 60, asked(team)
        if time.time() // 60 == minute:
            break  # the count begins anew with each minute
    assert set(statuses) == {200, 429}
    assert RATE * 0.9 <= statuses.count(200) <= RATE


def asked(team: Team) -> list[int]:
    """What a new token is answered that asks for more than it may, at both machines in turn."""
    token = {"Authorization": f"Bearer {team.first.new_token('read')}"}

    def ask(number: int) -> int:
        url = f"{team.url(number)}/v1/models"
        return requests.get(url, headers=token | from_address(8), timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(RATE + 20)))


def test_two_watchers_look_once(team: Team) -> None:
    """Each model is looked at by one of them at a time, and both do their part."""
    ids = [registered(team, name) for name in ("practice-chat", "practice-chat-no-tools")]
    looks: dict[str, list[datetime]] = {}
    until = time.monotonic() + 60
    while time.monotonic() < until and min(len(looks.get(id, ())) for id in ids) < 3:
        time.sleep(0.5)
        looks = looks_in(team.database)
    assert all(len(looks[id]) >= 3 for id in ids), "the watchers look too rarely"
    for id in ids:
        gaps = [(b - a).total_seconds() for a, b in zip(looks[id], looks[id][1:], strict=False)]
        assert min(gaps) > EVERY_S / 2, gaps
    assert requests.get(f"{team.second.url}/readyz", timeout=30).json()["watch"]["workers"] == 2


def looks_in(database: str) -> dict[str, list[datetime]]:
    """When each model was looked at."""
    found: dict[str, list[datetime]] = defaultdict(list)
    with psycopg.connect(database) as connection:
        for model, at in connection.execute("SELECT model_pk, at FROM looks ORDER BY at"):
            found[model].append(at)
    return found


EXPAND = (
    "ALTER TABLE models ADD COLUMN added_later TEXT",
    "CREATE TABLE added_later (id INTEGER PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = 'next_release'",
)
CONTRACT = "UPDATE schema_floor SET revision = 'next_release'"


def test_a_migration_that_adds_stops_nobody(team: Team) -> None:
    """The first machine has the next release already, whose migration ran; the second still has this one."""
    client = team.second.session()

    def ask(_number: int) -> int:
        return client.get(f"{team.second.url}/v2/models", timeout=60).status_code

    with psycopg.connect(team.database, autocommit=True) as connection, ThreadPoolExecutor(1) as pool:
        before = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        floor = connection.execute("SELECT revision FROM schema_floor").fetchone()
        asking = pool.map(ask, range(30))
        for statement in EXPAND:
            connection.execute(statement)
        assert set(asking) == {200}
        id = registered(team, "practice-chat-slow")
        assert client.delete(f"{team.second.url}/v2/models/{id}", timeout=60).ok
        assert requests.get(f"{team.second.url}/readyz", timeout=30).ok
        assert "valid" in team.second.command("token", "list")
        connection.execute(CONTRACT)
        late = requests.get(f"{team.second.url}/readyz", timeout=30)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "database_outdated")
        connection.execute("UPDATE alembic_version SET version_num = %s", before)
        connection.execute("UPDATE schema_floor SET revision = %s", floor)
