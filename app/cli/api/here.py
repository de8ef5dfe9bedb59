"""This machine's Muster for commands, without a server: its API, called within this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.test import Client

from app.access.actors import COMMAND_LINE
from app.cli.api.client import Answer, next_of, with_query
from app.cli.application import opened_app
from app.factory import create_app
from app.store import vault
from app.web.guards import HERE


class Here:
    """An `Api` of this process."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: Any = None, **query: str | None) -> Answer:
        """As `Api` says."""
        sent = {} if body is None else {"json": body}
        answer = self._client.open(
            with_query(path, query), method=method, environ_overrides={HERE: COMMAND_LINE}, **sent
        )
        return Answer(
            answer.status_code, answer.get_data(as_text=True), next_of(answer.headers.get("Link", ""))
        )


@contextmanager
def here() -> Iterator[Here]:
    """The API of this machine's Muster, as the command line's own actor."""
    with opened_app(create_app) as app:
        vault.ensure_ring(app.config["MUSTER"])
        yield Here(Client(app))
