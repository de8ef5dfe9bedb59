"""Owner, contact and tags as fields of a form that registers: what was typed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.registry.declared.labels import labels_of_text
from app.store.labels import Labels

LABELS: Mapping[str, str] = {"owner": "Owner", "contact": "Contact", "tags": "Tags"}
_LONGEST = 4096


@dataclass(slots=True)
class LabelFields:
    """What stands in the fields; after `read` of something wrong `errors` has a sentence for its field."""

    owner: str = ""
    contact: str = ""
    tags: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def filled(self) -> int:
        """How many of the fields hold something."""
        return sum(bool(text.strip()) for text in (self.owner, self.contact, self.tags))

    def read(self) -> Labels:
        """The labels; empty ones where something is wrong, which `errors` tells then."""
        labels, problems = labels_of_text(self.owner, self.contact, self.tags)
        self.errors = {}
        for problem in problems:
            name = problem.field or "owner"
            self.errors.setdefault(name, problem.message.replace(f"`{name}`", LABELS[name]))
        return labels


def sent_labels(sent: Mapping[str, str]) -> LabelFields:
    """What a browser sent."""
    owner, contact, tags = (sent.get(name, "")[:_LONGEST] for name in LABELS)
    return LabelFields(owner, contact, tags)


def fields_of(labels: Labels) -> LabelFields:
    """The fields as they hold these labels."""
    return LabelFields(labels.owner or "", labels.contact or "", " ".join(labels.tags))
