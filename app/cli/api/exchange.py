"""Import and probe at a Muster elsewhere, over its API: each entry for itself, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from app.cli.api.client import Answer, Api, pages
from app.registry.exchange.litellm.imported import name_of

JSON = Any
T = TypeVar("T")
PLANNED = {"create": "would probe", "exists": "exists", "refuse": "refused", "skip": "skipped"}


class Told(NamedTuple):
    """A line about one entry, and whether that is well."""

    state: str
    name: str
    rest: str
    well: bool


def import_each(
    api: Api, definitions: Sequence[JSON], region: str, dry_run: bool, workers: int
) -> Iterator[Told]:
    """Register each definition after a probe there; a dry run only says what would be done."""

    def bring(definition: JSON) -> Told:
        dry = "true" if dry_run else None
        answer = api.call("POST", "/v2/models/litellm/import", [definition], region=region, dry_run=dry)
        return _planned(answer) if dry_run and answer.good else _brought(name_of(definition), answer)

    return _side_by_side(bring, definitions, workers)


def reprobe_each(api: Api, which: str | None, workers: int) -> Iterator[Told]:
    """Probe one model again, or all."""
    ids = [which] if which else [row["id"] for row in pages(api, "/v2/models", limit="500")]

    def probe(id: str) -> Told:
        answer = api.call("POST", f"/v2/models/{quote(id, safe='')}/probes")
        if not answer.good:
            return Told("rejected", id, answer.problem, False)
        diagnosis = answer.json["diagnosis"]
        if answer.json["verdict"] == "accepted" or diagnosis is None:
            return Told("accepted", id, "", True)
        return Told("rejected", id, f"{diagnosis['code']}: {diagnosis['message']}", False)

    return _side_by_side(probe, ids, workers)


def _planned(answer: Answer) -> Told:
    (step,) = answer.json
    why = " ".join(problem["message"] for problem in step["problems"])
    return Told(PLANNED[step["action"]], step["model_name"], why, step["action"] in ("create", "exists"))


def _brought(name: str, answer: Answer) -> Told:
    if answer.good:
        return Told("registered", name, answer.json[0]["id"], True)
    there = answer.status == 409 and answer.problem.startswith("already_exists")
    return Told("exists" if there else "rejected", name, answer.problem, there)


def _side_by_side(work: Callable[[T], Told], items: Sequence[T], workers: int) -> Iterator[Told]:
    with ThreadPoolExecutor(workers, "elsewhere") as pool:
        started = [pool.submit(work, item) for item in items]
        try:
            yield from (future.result() for future in as_completed(started))
        finally:
            pool.shutdown(cancel_futures=True)
