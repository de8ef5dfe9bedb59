"""Keys that were registered, refused, rotated and typed wrongly: none may be found anywhere afterwards."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from sqlalchemy import create_engine, inspect, text

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from tests.load.running import Running, running

pytestmark = pytest.mark.both_databases

JSON = Any
# Following every link and asking every route must find at least so much: else nothing was looked at.
FEWEST_PAGES = 15
ROUTES = (
    "/v2/models", "/v1/models", "/v3/router/models", "/openapi.json", "/docs", "/healthz", "/readyz",
    "/v2/export/litellm", "/v2/export/csv", "/no-such-page", "/v2/models/no-such",
)  # fmt: skip


class Echoing(Practice):
    """A good endpoint for one key, that tells everyone else what they sent, in every way it can."""

    def __init__(self, key: str) -> None:
        super().__init__(key=key)
        self.keys = {key}

    def respond(self, request: Request) -> Reply:
        if request.key in self.keys:
            self.key = request.key
            return super().respond(request)
        sent = request.key
        told = [sent, quote(sent), base64.b64encode(sent.encode()).decode(), f"Bearer {sent}", sent[3:-3]]
        body = {
            "error": {"message": f"Invalid key: {' '.join(told)}", "code": sent, "type": f"bad key {sent}"}
        }
        return Reply(401, json.dumps(body).encode(), headers={"x-your-key": sent, "www-authenticate": sent})


class Seen:
    """Everything that came back: bodies and headers of all answers."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, answer: requests.Response) -> requests.Response:
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.texts[f"{answer.request.method} {answer.url} {len(self.texts)}"] = f"{headers}\n\n{answer.text}"
        return answer


@pytest.fixture
def keys() -> dict[str, str]:
    """A key for each way that one can take."""
    ways = (
        "registered",
        "refused",
        "rotated",
        "refused_rotation",
        "typed",
        "unsendable",
        "as_token",
        "validated",
    )
    return {way: "sk-" + secrets.token_hex(20) for way in ways}


@pytest.fixture
def endpoint(keys: dict[str, str]) -> Iterator[str]:
    """The base URL of an endpoint that knows the good ones of the keys."""
    practice = Echoing(keys["registered"])
    practice.keys |= {keys["rotated"], keys["validated"]}
    server = PracticeServer(practice.respond)
    server.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.stop()


def test_no_key_is_found_anywhere(
    tmp_path: Path, empty_database_url: str, keys: dict[str, str], endpoint: str
) -> None:
    seen = Seen()
    with running(tmp_path, empty_database_url, practice=False) as muster:
        _use_the_api(muster, seen, keys, endpoint)
        browser = muster.browser("admin@example.com", "admin")
        _use_the_form(muster, browser, seen, keys, endpoint)
        _look_at_everything(muster, browser, seen)
        rows = _rows(muster)
    _must_be_absent(keys, {**seen.texts, **rows, **_files(tmp_path)})


def _use_the_api(muster: Running, seen: Seen, keys: dict[str, str], endpoint: str) -> None:
    url = f"{muster.url}/v2/models/openai-like"
    body: dict[str, JSON] = {
        "base_url": endpoint, "display_name": "Secret", "model_id": "practice-chat", "model_type": "chat",
        "region": "here",
    }  # fmt: skip
    with muster.session() as client:
        refused = seen.add(client.post(url, json=body | {"api_key": keys["refused"]}, timeout=60))
        assert refused.json()["error"]["code"] == "invalid_credentials", refused.text
        # In quotes and with a letter that no header takes.
        unsendable = seen.add(
            client.post(url, json=body | {"api_key": f'"{keys["unsendable"]}é"'}, timeout=60)
        )
        assert unsendable.status_code == 400
        validated = seen.add(
            client.post(f"{url}/validate", json=body | {"api_key": keys["validated"]}, timeout=60)
        )
        assert validated.json()["verdict"] == "accepted", validated.text
        made = seen.add(client.post(url, json=body | {"api_key": f"Bearer {keys['registered']}"}, timeout=60))
        assert made.status_code == 200, made.text
        again = seen.add(client.post(url, json=body | {"api_key": keys["registered"]}, timeout=60))
        assert again.status_code == 409
        change = {"display_name": "Secret", "model_type": "chat", "region": "here"}
        one = f"{url}/{made.json()['id']}"
        worse = seen.add(client.patch(one, json=change | {"api_key": keys["refused_rotation"]}, timeout=60))
        assert worse.status_code == 400
        better = seen.add(client.patch(one, json=change | {"api_key": keys["rotated"]}, timeout=60))
        assert better.status_code == 200, better.text
        probed = seen.add(client.post(f"{muster.url}/v2/models/{made.json()['id']}/probes", timeout=60))
        assert probed.json()["verdict"] == "accepted", probed.text
    wrong = {"Authorization": f"Bearer {keys['as_token']}"}
    assert seen.add(requests.get(f"{muster.url}/v2/models", headers=wrong, timeout=30)).status_code == 401


def _use_the_form(
    muster: Running, browser: requests.Session, seen: Seen, keys: dict[str, str], endpoint: str
) -> None:
    """A rejected probe gives the filled form back; the key is kept for the next try, and not shown."""
    page = seen.add(browser.get(f"{muster.url}/models/new", timeout=30)).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    typed = {
        "csrf_token": token.group(1), "do": "save", "api_key": keys["typed"], "base_url": endpoint,
        "display_name": "Typed", "model_id": "practice-reasoning", "model_type": "chat", "region": "here",
    }  # fmt: skip
    answer = seen.add(browser.post(f"{muster.url}/models/new", data=typed, timeout=60))
    assert answer.status_code == 400 and "held_key" in answer.text, answer.status_code


def _look_at_everything(muster: Running, browser: requests.Session, seen: Seen) -> None:
    """Every page that a link leads to, and every JSON route, with all that a token can be given."""
    wanted, looked = ["/"], set[str]()
    while wanted:
        path = wanted.pop()
        if path in looked or len(looked) > 200:
            continue
        looked.add(path)
        answer = seen.add(browser.get(muster.url + path, timeout=30))
        if "text/html" in answer.headers.get("Content-Type", ""):
            found = re.findall(r'(?:href|src|action)="(/[^"]*)"', answer.text)
            wanted += [urlsplit(link)._replace(fragment="").geturl().replace("&amp;", "&") for link in found]
    assert len(looked) >= FEWEST_PAGES, looked
    with muster.session() as client:
        for route in ROUTES:
            seen.add(client.get(muster.url + route, timeout=30))
        for model in client.get(f"{muster.url}/v2/models", timeout=30).json():
            for rest in ("", "/probes"):
                seen.add(client.get(f"{muster.url}/v2/models/{model['id']}{rest}", timeout=30))
            refused = seen.add(client.get(f"{muster.url}/v2/models/{model['id']}/credentials", timeout=30))
            assert refused.status_code == requests.codes.forbidden


def _rows(muster: Running) -> dict[str, str]:
    """Every table of the database as text."""
    engine = create_engine(muster.database_url)
    rows: dict[str, str] = {}
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            found = connection.execute(text(f'SELECT * FROM "{table}"'))
            rows[f"table {table}"] = "\n".join(repr(tuple(row)) for row in found)
    engine.dispose()
    assert "table models" in rows and rows["table models"]
    return rows


def _files(folder: Path) -> dict[str, str]:
    """Every file that the server wrote, its log and the database's own files among them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "muster.log" in files
    return {str(path): path.read_bytes().decode("latin-1") for path in files}


def _must_be_absent(keys: dict[str, str], texts: dict[str, str]) -> None:
    """No key, no other spelling of it, and no long part of it."""
    for way, key in keys.items():
        spellings = [key[8:28], base64.b64encode(key.encode()).decode()[4:32], key.encode().hex()[8:40]]
        for place, content in texts.items():
            for spelling in spellings:
                at = content.find(spelling)
                assert at < 0, f"the {way} key stands in {place}: …{content[max(0, at - 80) : at]}[here]"
