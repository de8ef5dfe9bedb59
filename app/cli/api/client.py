"""The JSON API as commands use it: of a Muster elsewhere, or of this machine's own without a server.

Commands that work on either are clients of the API. Without `--url` they call it within their own process, as
the command line's own actor, on this machine's database.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, NoReturn, ParamSpec, Protocol
from urllib.parse import urlencode

import click
import requests

from app.cli.output import show_json, wants_json
from app.probe.console.printing import put
from app.registry.form.json_body import shortened

JSON = Any
P = ParamSpec("P")
_url = click.option("--url", envvar="MUSTER_URL", help="A Muster elsewhere; by default this machine's own.")
_token_env = click.option(
    "--token-env",
    default="MUSTER_TOKEN",
    show_default=True,
    help="The variable that holds the token for --url.",
)
TIMEOUT_S = (10, 900)
"""Seconds to connect, and to wait for an answer: probes take their time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; `next` is the path of the following page."""

    status: int
    text: str = field(repr=False)
    next: str = ""

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return self.status < 400

    @property
    def json(self) -> JSON:
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def problem(self) -> str:
        """Code and message of an error."""
        error = self.json.get("error") if isinstance(self.json, dict) else None
        if not isinstance(error, dict):
            return f"It answered {self.status}, and not as a Muster does."
        return f"{error.get('code')}: {error.get('message')}"


class Api(Protocol):
    """Where commands send their calls."""

    def call(self, method: str, path: str, body: JSON = None, **query: str | None) -> Answer:
        """Send one call; a body goes as JSON, and a query parameter that is None is left out."""


class Elsewhere:
    """A Muster over HTTP. Redirects are not followed: the token is for this address alone."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: JSON = None, **query: str | None) -> Answer:
        """As `Api` says; ClickException where it can't be reached."""
        url = self._url + with_query(path, query)
        try:
            answer = self._session.request(method, url, json=body, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            message = f"{self._url} can't be reached ({type(error).__name__})."
            raise click.ClickException(message) from error
        if answer.is_redirect:
            raise click.ClickException(f"{self._url} answers with a redirect. Give --url the address itself.")
        answer.encoding = "utf-8"  # whatever is guessed from the bytes
        return Answer(answer.status_code, answer.text, next_of(answer.headers.get("Link", "")))


def with_api(command: Callable[P, None]) -> Callable[..., None]:
    """Give a command the options that say which Muster it is for, and its `api`."""

    @_url
    @_token_env
    @wraps(command)
    def called(*args: Any, url: str | None, token_env: str, **kwargs: Any) -> None:
        with opened(url, token_env) as api:
            command(*args, api=api, **kwargs)  # type: ignore[arg-type]

    return called


def with_elsewhere(command: Callable[P, None]) -> Callable[..., None]:
    """The same for a command that works on this machine's database itself: `elsewhere` is None then."""

    @_url
    @_token_env
    @wraps(command)
    def called(*args: Any, url: str | None, token_env: str, **kwargs: Any) -> None:
        if not url:
            command(*args, elsewhere=None, **kwargs)  # type: ignore[arg-type]
            return
        with opened(url, token_env) as api:
            command(*args, elsewhere=api, **kwargs)  # type: ignore[arg-type]

    return called


@contextmanager
def opened(url: str | None, token_env: str) -> Iterator[Api]:
    """The API at a URL with the token of a variable; without a URL this machine's own."""
    if url:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError("--url must begin with http:// or https://.")
        token = os.environ.get(token_env, "")
        if not token:
            raise click.UsageError(f"Put a token for {url} into the variable {token_env}.")
        yield Elsewhere(url, token)
        return
    # Pages and API take three times as long to load as all the rest of a command.
    from app.cli.api.here import here  # noqa: PLC0415

    with here() as api:
        yield api


def require(answer: Answer) -> JSON:
    """The JSON of an answer; exits with 1 and the sentence of the error where it is one."""
    if not answer.good:
        fail(answer.problem)
    return answer.json


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong, and exit."""
    put(shortened(f"Error: {message}", 4000), file=sys.stderr)
    sys.exit(code)


def pages(api: Api, path: str, **query: str | None) -> Iterator[JSON]:
    """Every entry of a list, page by page."""
    answer = api.call("GET", path, **query)
    while True:
        yield from require(answer)
        if not answer.next:
            return
        answer = api.call("GET", answer.next)


def show_table(rows: list[Mapping[str, JSON]], columns: Mapping[str, int]) -> None:
    """Rows as JSON, or the named columns in their widths; 0 is the rest of the line."""
    if wants_json():
        show_json(rows)
        return
    for row in rows:
        cells = (f"{_cell(row.get(name)):<{width}}" for name, width in columns.items())
        put(shortened("  ".join(cells).rstrip(), 4000))


def _cell(value: JSON) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """A path with those query parameters that are not None."""
    given = {name: value for name, value in query.items() if value is not None}
    return path + ("&" if "?" in path else "?") + urlencode(given) if given else path


def next_of(links: str) -> str:
    """The path and query of the next page by the header `Link`, whatever host the server says it is."""
    found = {link.get("rel"): link["url"] for link in requests.utils.parse_header_links(links)}
    url = found.get("next", "")
    return "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url
