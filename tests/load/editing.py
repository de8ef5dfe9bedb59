"""Twenty that write and twenty that read at once, and what must be true of it afterwards.

Four kinds of writers: some add one to a number with `If-Match`, so that a lost write shows as a sum that is
too small; some change two fields to the same words without it, so that a mixture of two writes shows as two
fields that differ; some disable and enable those models meanwhile, so that a document made of an old look at
a row shows as either; some register a model and delete every other one, so that a lost or a risen row shows
in the list.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from app.practice.models import KEY
from tests.load.running import Running

WRITERS = READERS = 20
_NEEDED = {"region": "here", "model_type": "chat"}
_ADDING, _REPLACING, _SWITCHING, _CREATING = range(4)
_KINDS = (_ADDING, _ADDING, _REPLACING, _SWITCHING, _CREATING)
"""What each writer of five does."""


@dataclass
class Seen:
    """What came of it. `wrong` holds a sentence for each thing that must not be."""

    statuses: Counter[int] = field(default_factory=Counter)
    writes: int = 0
    wrong: list[str] = field(default_factory=list)


class Editing:
    """A registry with a few models, and the hands that work at it."""

    def __init__(self, muster: Running, for_s: float) -> None:
        self.seen = Seen()
        self._muster, self._until = muster, time.monotonic() + for_s
        self._lock, self._numbers = threading.Lock(), count()
        self._added: Counter[str] = Counter()
        self._living: set[str] = set()
        self._counted = [self._register(name) for name in ("First sum", "Second sum")]
        self._replaced = [self._register(name) for name in ("First words", "Second words")]
        for id in self._counted:
            self._changed(self._client(), id, display_name="Sum", description="0")
        for id in self._replaced:
            self._changed(self._client(), id, display_name="none", description="none")

    def run(self) -> Seen:
        """All of them at once until the time is over, then the sums."""
        writers = [self._until_the_end(self._writer(_KINDS[n % len(_KINDS)], n)) for n in range(WRITERS)]
        readers = [self._until_the_end(self._reader(n)) for n in range(READERS)]
        with ThreadPoolExecutor(WRITERS + READERS) as pool:
            for done in [pool.submit(hand) for hand in (*writers, *readers)]:
                done.result()
        self._add_up()
        return self.seen

    def _until_the_end(self, turn: Callable[[requests.Session], None]) -> Callable[[], None]:
        def work() -> None:
            with self._client() as client:
                while time.monotonic() < self._until:
                    turn(client)

        return work

    def _writer(self, kind: int, number: int) -> Callable[[requests.Session], None]:
        if kind == _ADDING:
            return lambda client: self._add_one(client, self._counted[number % 2])
        if kind == _REPLACING:
            return lambda client: self._replace(client, self._replaced[number % 2], f"writer {number}")
        if kind == _SWITCHING:
            mine = [*self._counted, *self._replaced][number // len(_KINDS)]
            return lambda client: self._switch(client, mine)
        return self._create_two_delete_one

    def _reader(self, number: int) -> Callable[[requests.Session], None]:
        if number % 4 == 0:
            return self._read_list
        if number % 4 == 1:
            return lambda client: self._read(client, f"/v2/models/{self._counted[0]}/probes", self._replaced)
        return lambda client: self._read(client, "/v1/models", self._replaced)

    def _add_one(self, client: requests.Session, id: str) -> None:
        read = self._ask(client, "GET", f"/v2/models/{id}")
        total = int(read.json()["description"])
        wrote = self._changed(client, id, {"If-Match": read.headers["ETag"]}, description=str(total + 1))
        if wrote.status_code == requests.codes.ok:
            with self._lock:
                self._added[id] += 1
        elif wrote.status_code != requests.codes.precondition_failed:
            self._complain(f"adding one answered {wrote.status_code}: {wrote.text[:300]}")

    def _replace(self, client: requests.Session, id: str, who: str) -> None:
        words = f"{who}, write {next(self._numbers)}"
        wrote = self._changed(client, id, display_name=words, description=words)
        if wrote.status_code != requests.codes.ok:
            self._complain(f"replacing answered {wrote.status_code}: {wrote.text[:300]}")
        else:
            self._be_whole(wrote.json(), words)

    def _switch(self, client: requests.Session, id: str) -> None:
        """Nobody else switches this one, so it must be as it was put."""
        gone = self._ask(client, "DELETE", f"/v2/workspace-models/{id}")
        there = self._ask(client, "GET", f"/v2/models/{id}").json()["enabled"]
        back = self._ask(client, "POST", "/v2/workspace-models", json={"model_id": id})
        again = self._ask(client, "GET", f"/v2/models/{id}").json()["enabled"]
        statuses = (gone.status_code, back.status_code)
        if statuses != (requests.codes.no_content, requests.codes.no_content) or (there, again) != (
            False,
            True,
        ):
            self._complain(f"switching answered {statuses}, and then it was {there} and {again}")

    def _create_two_delete_one(self, client: requests.Session) -> None:
        one, other = (self._register(f"Made {next(self._numbers)}", client) for _ in range(2))
        gone = self._ask(client, "DELETE", f"/v2/models/{one}")
        if gone.status_code != requests.codes.ok:
            self._complain(f"deleting answered {gone.status_code}: {gone.text[:300]}")
        with self._lock:
            self._living.add(other)

    def _read_list(self, client: requests.Session) -> None:
        for model in self._ask(client, "GET", "/v2/models?limit=50").json():
            if model["id"] in self._replaced:
                self._be_whole(model)

    def _read(self, client: requests.Session, path: str, ids: Sequence[str]) -> None:
        self._ask(client, "GET", path)
        for id in ids:
            self._be_whole(self._ask(client, "GET", f"/v2/models/{id}").json())

    def _be_whole(self, model: dict[str, Any], words: str = "") -> None:
        name, description = model["display_name"], model["description"]
        if name != description or (words and words != name):
            self._complain(f"a mixture: “{name}” with “{description}”, {words or 'read'}")

    def _add_up(self) -> None:
        with self._client() as client:
            for id in self._counted:
                total = int(self._ask(client, "GET", f"/v2/models/{id}").json()["description"])
                if total != self._added[id]:
                    self._complain(f"{self._added[id]} additions were answered 200, the sum is {total}")
            there: set[str] = set()
            url: str | None = f"{self._muster.url}/v2/models"
            while url:
                answer = client.get(url, timeout=60)
                there |= {model["id"] for model in answer.json()}
                url = answer.links.get("next", {}).get("url")
        missing = self._living - there
        risen = there - self._living - {*self._counted, *self._replaced}
        if missing or risen:
            self._complain(f"{len(missing)} models are lost, {len(risen)} are there though deleted")
        server_errors = sum(number for status, number in self.seen.statuses.items() if status >= 500)
        if server_errors:
            self._complain(f"{server_errors} server errors")

    def _register(self, name: str, client: requests.Session | None = None) -> str:
        body = _NEEDED | {
            "api_key": KEY, "base_url": self._muster.practice_url, "display_name": name,
            "model_id": name.lower().replace(" ", "-"), "configuration": {"model_id": "practice-embedding"},
            "model_type": "embedding",
        }  # fmt: skip
        made = self._ask(client or self._client(), "POST", "/v2/models/openai-like?depth=proof", json=body)
        if made.status_code != requests.codes.ok:
            raise AssertionError(f"registering answered {made.status_code}: {made.text[:300]}")
        return str(made.json()["id"])

    def _changed(
        self, client: requests.Session, id: str, headers: dict[str, str] | None = None, **fields: str
    ) -> requests.Response:
        body = _NEEDED | {"display_name": "Sum", "model_type": "embedding"} | fields
        return self._ask(client, "PATCH", f"/v2/models/openai-like/{id}", json=body, headers=headers)

    def _ask(self, client: requests.Session, method: str, path: str, **how: Any) -> requests.Response:
        answer = client.request(method, self._muster.url + path, timeout=60, **how)
        with self._lock:
            self.seen.statuses[answer.status_code] += 1
            self.seen.writes += method != "GET" and answer.ok
        return answer

    def _client(self) -> requests.Session:
        return self._muster.session()

    def _complain(self, sentence: str) -> None:
        with self._lock:
            self.seen.wrong.append(sentence)
