"""What the probe must know of a model type: its proof, its checks, and the capabilities it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.probe.capabilities import capabilities_of
from app.probe.conversation import Conversation
from app.probe.proof import Proof
from app.probe.tasks import Finding, Task


def _no_tasks(talk: Conversation) -> tuple[Task, ...]:
    return ()


def _nothing_to_settle(talk: Conversation, found: dict[str, Finding]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ModelType:
    """A row of `app.probe.model_types.MODEL_TYPES`.

    `checks` gives the tasks of the second phase, `settle` what only all their findings together tell,
    `sections` the parts of the form.
    """

    name: str
    label: str
    proof: Proof
    checks: Callable[[Conversation], tuple[Task, ...]] = _no_tasks
    settle: Callable[[Conversation, dict[str, Finding]], None] = _nothing_to_settle
    sections: tuple[str, ...] = ("connection", "general", "pricing")

    @property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """The names in the report, with the fields of the model document that each fills."""
        return capabilities_of(self.name)
