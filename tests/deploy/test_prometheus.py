"""Prometheus takes the rules, they fire when they should, and rules and board know only real metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from app.store.base import db
from tests.conftest import LiveServer, new_token
from tests.ports import free_port
from tests.rows import a_model

FOLDER = ROOT / "deploy/prometheus"
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="there is no promtool; install prometheus"
)
NAME = re.compile(r"\bmuster_[a-z_]+")


@needs_promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "muster.rules.yml"),
        ("test", "rules", "muster.rules.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_promtool_takes_it(words: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_metrics_of_a_running_muster(app: Flask, client: FlaskClient) -> None:
    scraped = client.get("/metrics", headers={"Authorization": f"Bearer {new_token(app, 'read')}"})
    assert scraped.status_code == 200
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=scraped.data, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def prometheus(live_server: LiveServer, tmp_path: Path) -> Iterator[str]:
    """Debian's Prometheus, which scrapes the running Muster each second; gives its address."""
    (tmp_path / "token").write_text(new_token(live_server.app, "read"))
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    job |= {"scheme": "http", "scrape_interval": "1s"}
    job["static_configs"][0]["targets"] = [live_server.url.removeprefix("http://")]
    job["authorization"]["credentials_file"] = str(tmp_path / "token")
    config["rule_files"] = [str(FOLDER / "muster.rules.yml")]
    config["global"] = {"evaluation_interval": "1s"}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus", f"--config.file={tmp_path / 'prometheus.yml'}", f"--web.listen-address={address}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        yield f"http://{address}"
        child.terminate()


@pytest.mark.skipif(not shutil.which("prometheus"), reason="there is no prometheus")
def test_prometheus_scrapes_a_running_muster_and_its_rules_see_what_is_down(
    live_server: LiveServer, prometheus: str
) -> None:
    with live_server.app.app_context():
        db.session.add(a_model(health="down"))
        db.session.commit()
    asked = f"{prometheus}/api/v1/query"

    def answer(query: str) -> list[dict[str, Any]]:
        with suppress(requests.RequestException, KeyError, ValueError):
            return list(requests.get(asked, {"query": query}, timeout=5).json()["data"]["result"])
        return []

    deadline, alerts = time.monotonic() + 30, list[dict[str, Any]]()
    while not alerts and time.monotonic() < deadline:
        time.sleep(0.2)
        alerts = answer('ALERTS{alertname="MusterModelsDown"}')
    assert [one["metric"]["alertstate"] for one in alerts] == ["pending"]  # it fires after two minutes
    assert [one["value"][1] for one in answer('muster_models{state="down"}')] == ["1"]
    assert [one["value"][1] for one in answer("muster_watch_workers")] == ["0"]


def test_only_metrics_that_exist_are_asked_for(app: Flask, client: FlaskClient) -> None:
    """A rule over a metric that was renamed never fires, and nobody notices."""
    scraped = client.get("/metrics", headers={"Authorization": f"Bearer {new_token(app, 'read')}"}).text
    there = set(re.findall(r"^# TYPE (muster_\w+)", scraped, flags=re.MULTILINE))
    there |= {f"{name}_{part}" for name in there for part in ("total", "bucket")}
    rules = (FOLDER / "muster.rules.yml").read_text(encoding="utf-8")
    board = json.loads((ROOT / "deploy/grafana/muster.json").read_text(encoding="utf-8"))
    asked = set(NAME.findall(rules))
    asked |= {
        name for panel in board["panels"] for one in panel["targets"] for name in NAME.findall(one["expr"])
    }
    assert asked <= there
