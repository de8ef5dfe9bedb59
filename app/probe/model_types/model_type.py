"""What the probe must know of a model type: its proof, its checks, and the capabilities it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.probe.capabilities import capabilities_of
from app.probe.conversation.talk import Conversation
from app.probe.proof import Proof, Proven
from app.probe.reliability import Repeat
from app.probe.tasks import Checks


def _no_checks(talk: Conversation, proven: Proven) -> Checks:
    return Checks()


@dataclass(frozen=True, slots=True)
class ModelType:
    """A row of `app.probe.model_types.MODEL_TYPES`.

    `checks` gives the second phase, or `repeats` in its place, where checks of those that are `repeatable`
    are to be asked many times. `early` asks beside the proof what stands on nothing. `sections` are the parts
    of the form.
    """

    name: str
    label: str
    proof: Proof
    checks: Callable[[Conversation, Proven], Checks] = _no_checks
    repeats: Callable[[Conversation, Proven, Repeat], Checks] | None = None
    repeatable: tuple[str, ...] = ()
    early: Callable[[Conversation], None] | None = None
    sections: tuple[str, ...] = ("connection", "general", "pricing")

    @property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """The names in the report, with the fields of the model document that each fills."""
        return capabilities_of(self.name)
