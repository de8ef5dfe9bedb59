"""Debian's nginx with the sample configuration, in front of one Muster or several."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme

from app.config import ROOT
from tests.load.running import Running
from tests.ports import free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


@contextmanager
def proxied(machines: Sequence[Running], folder: Path) -> Iterator[tuple[str, int, str]]:
    """The URL and port of nginx in front of Muster's machines, and the file of the authority that signed."""
    port, authority = free_port(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    sample = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    changes = {
        "server 127.0.0.1:8700;": " ".join(f"server 127.0.0.1:{one.port};" for one in machines),
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "muster.example.com": "localhost",
        "/etc/ssl/muster.pem": str(folder / "both.pem"),
        "/etc/ssl/muster.key": str(folder / "both.pem"),
    }
    for sampled, ours in changes.items():
        assert sampled in sample
        sample = sample.replace(sampled, ours)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log off;\n{temporary}{sample}\n}}\n"
    )
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield f"https://localhost:{port}", port, str(folder / "authority.pem")
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nginx did not start")
