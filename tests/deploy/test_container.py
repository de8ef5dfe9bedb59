"""The container image: built of deploy/Containerfile on a base of Debian's own, then run.

It takes three minutes, 100 MB of packages, root, and the programs buildah and mmdebstrap. So it runs where
it is asked for: `make container`.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.config import ROOT
from tests.ports import free_port

IS_WANTED = os.environ.get("TEST_CONTAINER") == "1" and shutil.which("buildah") and shutil.which("mmdebstrap")
pytestmark = pytest.mark.skipif(
    not IS_WANTED,
    reason="the container is NOT built here; `make container` does, with buildah and mmdebstrap",
)
PACKAGES = "python3,python3-venv,ca-certificates"
RELEASE = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable") if IS_WANTED else ""
"""Of Debian: that of this machine, whose keys it has."""
MAY_BE_WRITTEN = (
    "/var/lib/muster/",
    "/proc/",
    "/sys/",
    "/dev/",
    "/run/",
    "/etc/host",
    "/etc/resolv",
)
"""The last two are buildah's own."""


class Builder:
    """buildah with a storage of its own, which needs no kernel module and no daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._words = [
            "buildah",
            "--storage-driver=vfs",
            f"--root={folder}/storage",
            f"--runroot={folder}/run",
        ]

    def command(self, *words: str) -> list[str]:
        """The whole command."""
        return [*self._words, *words]

    def __call__(self, *words: str) -> str:
        """What it prints; it must end well."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def base(self) -> str:
        """An image of Debian with Python and nothing else that is needed."""
        tar = self.folder / "base.tar"
        made = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(tar)]
        subprocess.run(made, check=True, timeout=600)
        container = self("from", "scratch")
        self("add", "--quiet", container, str(tar), "/")
        return self("commit", "--quiet", "--rm", container, "localhost/muster-base")

    def certificates(self) -> list[str]:
        """Where pip of this machine trusts an authority of its own, the build's does too."""
        if "PIP_CERT" not in os.environ:
            return []
        config = self.folder / "pip.conf"
        config.write_text("[global]\ncert = /etc/ssl/pip-ca.pem\n", encoding="utf-8")
        places = {os.environ["PIP_CERT"]: "/etc/ssl/pip-ca.pem", str(config): "/etc/pip.conf"}
        return [f"--volume={here}:{there}:ro" for here, there in places.items()]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """The image `muster`, built."""
    made = Builder(tmp_path_factory.mktemp("container"))
    made.base()
    made(
        "bud", "--quiet", "--isolation=chroot", "--network=host", "--pull-never", *made.certificates(),
        "--build-arg=BASE=localhost/muster-base", f"--file={ROOT}/deploy/Containerfile", "--tag=muster",
        str(ROOT),
    )  # fmt: skip
    return made


@pytest.fixture
def container(builder: Builder) -> Iterator[str]:
    """A container of the image."""
    made = builder("from", "--pull-never", "localhost/muster")
    yield made
    builder("rm", made)


def test_it_serves_as_a_user_of_its_own_and_writes_into_its_folder_alone(
    builder: Builder, container: str
) -> None:
    port = free_port()
    run = ["run", "--isolation=chroot", "--network=host", f"--env=MUSTER_PORT={port}", container, "--"]
    assert builder(*run, "id", "-u") == "10001"
    began = int(time.time())
    serving = subprocess.Popen(
        builder.command(*run, "muster", "serve"), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert "Password" in _page_of(port, serving)
        # What its user may not even look into, it has not written either.
        found = builder(*run, "sh", "-c", f"find / -xdev -newermt @{began} -type f 2>/dev/null; true").split()
    finally:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.communicate(timeout=60)
    assert "/var/lib/muster/muster.sqlite" in found
    assert [path for path in found if not path.startswith(MAY_BE_WRITTEN)] == []


def _page_of(port: int, serving: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and serving.poll() is None:
        try:
            return requests.get(f"http://127.0.0.1:{port}/signin", timeout=5).text
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError("it did not start")
