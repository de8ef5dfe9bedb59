"""Programs that are no dependency of the project, installed into a cache folder when a test wants them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

INSTALLS_WITHIN_S = 600


class NotInstalled(Exception):
    """What was wanted can't be had here; the text says why."""


def pip_installed(requirements: Path, *options: str) -> Path:
    """A folder with what the file asks for, to be put on PYTHONPATH; NotInstalled where that can't be."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    return _installed(requirements, [*pip, "--requirement", str(requirements), "--target", "."])


def npm_installed(package: Path) -> Path:
    """A folder with the `node_modules` of a package.json; NotInstalled where that can't be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotInstalled("node and npm are not there")
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"]
    return _installed(package, ["npm", "install", *quiet])


def _installed(wanted: Path, command: Sequence[str]) -> Path:
    """The folder of what a file asks for, filled by the command where it is not there yet."""
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = _cache() / f"{wanted.parent.name}-{wanted.stem}-{digest}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        shutil.copy(wanted, fresh)
        _fill(fresh, command)
        try:
            fresh.rename(folder)  # whole or not at all
        except OSError:
            shutil.rmtree(fresh)  # another run was faster
    return folder


def _fill(folder: Path, command: Sequence[str]) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALLS_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        shutil.rmtree(folder)
        raise NotInstalled(f"{command[0]} took longer than {INSTALLS_WITHIN_S} s") from error
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder)
        said = str(error.stderr).strip().splitlines() or ["it did not say why"]
        raise NotInstalled(said[-1]) from error


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "muster-tests"
