"""Prometheus takes the rules, they fire when they should, and rules and board know only real metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from tests.conftest import new_token

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
