"""Which model may have been meant, as a sentence: what the endpoint lists, and what its words say besides."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from app.probe.reading.allowed_values import offered
from app.probe.reading.catalog import Catalog, is_name
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import Advice, any_of
from app.probe.transport.answer import Answer

_SHOWN = 3
_ALIKE = 0.7


def which_model(advice: Advice | None, model_id: str, catalog: Catalog, works: str | None = None) -> str:
    """What to do about an id that is not served.

    `advice` is what the rule of the endpoint's words names; `works` is a listed id with which the same call
    worked.
    """
    if works:
        return f"With {works}, which it lists, the same call works: use an id that it lists, as it spells it."
    retired = "The model is retired there. " if advice == "retired" else ""
    if retired and catalog.listed(model_id):
        others = _such_as(model_id, catalog)
        return f"{retired}Its list of models holds the id all the same: choose another{others}."
    if model_id in catalog.entries:
        return (
            "Its list of models holds this id, but it does not serve it: deploy or start it there first, or "
            "choose another."
        )
    if advice == "deployment":
        return (
            "Here the id is the name of a deployment, which no list of models shows: look it up in the "
            "vendor's console, or create one."
        )
    if catalog.there:
        listed = _listed(model_id, catalog, is_gone=bool(retired))
        return f"{retired}{listed}{_or_else(advice)}."
    if advice == "start_model":
        return (
            "It shows no list of models: start the model on its server, or, where it runs, look up how the "
            "server's settings spell the id."
        )
    return (
        f"{retired}It shows no list of models: look up how the vendor or the server's settings "
        f"spell {'its successor' if retired else 'the id'}{_or_else(advice)}."
    )


def _listed(model_id: str, catalog: Catalog, *, is_gone: bool) -> str:
    """What the catalog offers: ids that are alike, else all where they are few.

    An id that `is_gone` was spelt well: what is alike may take its place.
    """
    count, close = len(catalog.ids), catalog.closest(model_id)
    alike = [name for name in close if _is_alike(name, model_id)][:_SHOWN]
    if alike and is_gone:
        return f"It lists {either(alike)}: choose {'that' if len(alike) == 1 else 'one of these'} or another"
    if alike:
        meant = "that is the model" if len(alike) == 1 else "one of these is what"
        return f"It lists {either(alike)}, but not {model_id!r}: if {meant} you mean, use that spelling"
    if count <= _SHOWN:
        return f"It does not list {model_id!r}, only {' and '.join(catalog.ids)}: use an id that it lists"
    some = _such_as(model_id, catalog)
    return f"None of the {count} ids that it lists is like {model_id!r}: choose one of them{some}"


def _such_as(model_id: str, catalog: Catalog) -> str:
    close = catalog.closest(model_id)[:_SHOWN]
    return f" (such as {', '.join(close)})" if close else ""


def _or_else(advice: Advice | None) -> str:
    if advice == "or_access":
        return ", or, if the id is right, have the key given access to it"
    if advice == "or_deploy":
        return ", or put the model on that server first"
    return ""


def _is_alike(name: str, model_id: str) -> bool:
    name, wanted = name.lower(), model_id.lower()
    tail, wanted_tail = (text.rstrip("/").rpartition("/")[2] for text in (name, wanted))
    likeness = difflib.SequenceMatcher(None, tail, wanted_tail).ratio()
    return wanted in name or name in wanted or likeness >= _ALIKE


def either(names: Sequence[str]) -> str:
    """Names as a choice: a, b or c."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


_ALLOWED = any_of(
    r"(must|should|has to) be:? (one of )?\W?[\w./:-]+",
    r"expected one of|one of the allowed values|input should be '|allowed (models?|values?)",
    r"(available|supported|valid|allowed) models?( (are|is|include))?( ?:|:? ?['\"`\[(])",
    r"choose (from|one of)|any of the expected tags:|did you mean ",
)
_LISTS = any_of(r"allowed|available|supported|valid|enum|expected|permitted")
_OFFERED_AT_MOST = 5


def offered_ids(refusal: Refusal, answer: Answer, model_id: str) -> tuple[str, ...]:
    """The ids that a refusal states as the allowed ones; empty where it states none.

    Only where `is_about_the_id` holds are they sure to be ids, and not values of something else.
    """
    speaks = is_about_the_id(refusal) or re.search(r"\bmodel\b", refusal.all)
    if not speaks or not _ALLOWED.search(refusal.all) or not 400 <= (refusal.status or 0) < 500:
        return ()
    listed = (*_lists_in(answer.json), *offered(refusal.text, model_id))
    ids = (name for name in listed if is_name(name) and " " not in name and name != model_id)
    return tuple(islice(dict.fromkeys(ids), _OFFERED_AT_MOST))


def is_about_the_id(refusal: Refusal) -> bool:
    """Whether a refusal names the field `model` as the one at fault."""
    return refusal.param == "model" or any("model" in place for place in refusal.places)


def _lists_in(body: Any, depth: int = 0) -> Iterator[str]:
    """The lists of texts that a body holds as data under a name such as `allowedValues`."""
    if depth > 5:
        return
    if isinstance(body, Mapping):
        for name, value in islice(body.items(), 100):
            if isinstance(value, list) and _LISTS.search(str(name)):
                yield from (one for one in value if isinstance(one, str))
            yield from _lists_in(value, depth + 1)
    elif isinstance(body, list):
        for value in body[:8]:
            yield from _lists_in(value, depth + 1)
