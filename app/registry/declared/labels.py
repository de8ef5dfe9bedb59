"""Labels of a model: read and judged, and put with a line in the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.probe.pasted_input import CONTROLS
from app.registry import saving
from app.registry.form.json_body import TOLD_AT_MOST, Problem, closest, kind_of, shortened
from app.store.base import db
from app.store.labels import Labels, labels_of, put_labels

JSON = Any
MOST_TAGS = 20
LONGEST_TAG = 64
LONGEST = {"owner": 128, "contact": 320}
_TAG = re.compile(r"[^ \xa0,]+")
_CONTACT = re.compile(r"https?://[^\s/]\S*|(mailto:)?[^\s@:]+@[^\s@]+")


def read_labels(value: JSON, place: str = "") -> tuple[Labels, list[Problem]]:
    """Labels as an object of JSON has them, and what is wrong; absent, null and "" mean none.

    `place` is where the object stands in the body, with a point at its end.
    """
    if not isinstance(value, dict):
        problem = Problem(
            place.rstrip(".") or None, "wrong_type", f"Labels must be an object, not {kind_of(value)}."
        )
        return Labels(), [problem]
    problems = list(_problems(value, place))
    if problems:
        return Labels(), problems
    owner, contact = ((value.get(name) or "").strip() or None for name in LONGEST)
    return Labels(owner, contact, tuple(sorted(set(value.get("tags") or ())))), []


def labels_of_text(owner: str, contact: str, tags: str) -> tuple[Labels, list[Problem]]:
    """The same from a page's fields; tags are parted by commas or spaces."""
    words = [tag for tag in re.split(r"[\s,]+", tags) if tag]
    return read_labels({"owner": owner.strip(), "contact": contact.strip(), "tags": words})


def set_labels(id: str, labels: Labels, actor: Actor) -> bool:
    """Give a model just these labels; whether anything changed. ApiError 404. Commits."""
    model = saving.locked(id)
    before = labels_of(id)
    changed = before != labels
    if changed:
        put_labels(id, labels)
        old, new = before.as_json(), labels.as_json()
        changes = {name: [old[name], new[name]] for name in old if old[name] != new[name]}
        audit.record(actor, "model.labelled", model, {"changes": changes})
    db.session.commit()
    return changed


def _problems(value: dict[str, JSON], place: str) -> Iterator[Problem]:
    known = (*LONGEST, "tags")
    for name in islice((name for name in value if name not in known), TOLD_AT_MOST):
        wrong = f"There is no field `{place}{shortened(name)}`."
        yield Problem(place + shortened(name), "unknown_field", wrong, closest(name, known))
    for name, longest in LONGEST.items():
        wrong = _wrong_with_text(value.get(name), longest)
        if wrong:
            yield Problem(place + name, "invalid", f"`{place}{name}` {wrong}.")
    contact = value.get("contact")
    if isinstance(contact, str) and contact.strip() and not _CONTACT.fullmatch(contact.strip()):
        yield Problem(
            f"{place}contact", "invalid", f"`{place}contact` must be a mail address or an http(s) URL."
        )
    wrong = _wrong_with_tags(value.get("tags"))
    if wrong:
        yield Problem(f"{place}tags", "invalid", f"`{place}tags` {wrong}.")


def _wrong_with_text(text: JSON, longest: int) -> str:
    if text is None or text == "":
        return ""
    if not isinstance(text, str):
        return f"must be a string, not {kind_of(text)}"
    if len(text) > longest:
        return f"may have at most {longest} characters"
    return "must be one line without control or invisible characters" if CONTROLS.search(text) else ""


def _wrong_with_tags(tags: JSON) -> str:
    if tags is None:
        return ""
    if not isinstance(tags, list):
        return f"must be an array of strings, not {kind_of(tags)}"
    if len(set(map(str, tags))) > MOST_TAGS:
        return f"may hold at most {MOST_TAGS} tags"
    wrong = f"must be words of 1 to {LONGEST_TAG} characters without spaces and commas"
    return "" if all(map(_is_tag, tags)) else wrong


def _is_tag(tag: JSON) -> bool:
    good = isinstance(tag, str) and len(tag) <= LONGEST_TAG and _TAG.fullmatch(tag) is not None
    return good and CONTROLS.search(tag) is None
