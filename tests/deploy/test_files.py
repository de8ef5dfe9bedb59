"""The files under deploy/, judged by the programs that read them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from app import config
from app.config import ROOT, Settings

DEPLOY = ROOT / "deploy"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there, since systemd looks for it."""
    text = (DEPLOY / "muster.service").read_text(encoding="utf-8")
    path = tmp_path / "muster.service"
    path.write_text(text.replace("/opt/muster/venv/bin/muster", "/bin/true"), encoding="utf-8")
    return path


def _analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


@needs_systemd
def test_systemd_takes_the_unit(unit: Path) -> None:
    done = _analyzed("verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_unit_may_do_little(unit: Path) -> None:
    told = _analyzed("security", "--offline=true", str(unit)).stdout
    level = re.search(r"exposure level for \S+: ([\d.]+)", told)
    assert level is not None and float(level[1]) < 3


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes/muster.yaml"])
def test_only_known_settings_are_set(name: str) -> None:
    """A setting that was renamed would be ignored without a word where nobody reads the log."""
    known = {config.variable(row) for row in fields(Settings)}
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert list(yaml.safe_load_all(text))
    assert set(re.findall(r"\bMUSTER_[A-Z_]+\b", text)) <= known


def test_every_container_runs_a_command_that_exists() -> None:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes/muster.yaml").read_text(encoding="utf-8"))
    pods = [one["spec"]["template"]["spec"] for one in documents if one["kind"] != "Service"]
    assert [pod["containers"][0]["args"][0] for pod in pods] == ["db", "serve", "worker"]
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)


def test_the_container_is_built_from_all_that_the_package_is_made_of() -> None:
    """A folder that is missing shows only when somebody builds the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", project["project"]["readme"]}
    needed |= {*project["project"]["license-files"]}
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert needed <= copied
