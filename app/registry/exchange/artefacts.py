"""What a reader can copy and use: a first call, a LiteLLM entry, a Terraform block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.registry.exchange import curl, node, python, terraform
from app.registry.exchange.litellm import exported as litellm_export
from app.store.models import RegisteredModel


@dataclass(frozen=True, slots=True)
class Artefact:
    """A kind of artefact: its label for people, the language that marks it up, and what makes it."""

    label: str
    language: str
    make: Callable[[RegisteredModel], str]


KINDS: Mapping[str, Artefact] = {
    "curl": Artefact("curl", "sh", curl.command),
    "python": Artefact("Python", "python", python.script),
    "node": Artefact("Node.js", "javascript", node.script),
    "litellm": Artefact("LiteLLM", "yaml", litellm_export.single),
    "terraform": Artefact("Terraform", "hcl", terraform.block),
}
"""Each takes a row of any model type and gives text that ends as its language wants it; a key is in none."""


FOR_PEOPLE = ("python", *(kind for kind in KINDS if kind != "python"))
"""The kinds as pages show them: the Python call first, which most people come for."""


def all_of(model: RegisteredModel) -> dict[str, str]:
    """Every artefact of a model by its kind."""
    return {kind: artefact.make(model) for kind, artefact in KINDS.items()}


def labelled(model: RegisteredModel, kinds: Iterable[str] = FOR_PEOPLE) -> list[tuple[str, str]]:
    """Label and text of artefacts of a model, as a page shows them."""
    return [(KINDS[kind].label, KINDS[kind].make(model)) for kind in kinds]
