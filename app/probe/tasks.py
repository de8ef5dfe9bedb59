"""Pieces of work of the second phase, in waves, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.reliability import Reliability
from app.probe.values import Check

NO_BUDGET = "Not asked: the probe's limit of tokens is reached."


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of a capability: true, false, or null for "could not be told"."""

    name: str
    observed: bool | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a task of the second phase found, its record, and the tasks that follow from it."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    then: tuple[Task, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work beside others: the names of the checks it answers, and the function that does it."""

    names: tuple[str, ...]
    work: Callable[[Conversation], Result]


class Checks:
    """The second phase of a model type: these tasks, all of them side by side. A type that asks more
    overrides the two methods. `performance` is what the answers told of the model's speed.
    """

    def __init__(self, tasks: tuple[Task, ...] = (), performance: dict[str, Any] | None = None) -> None:
        self.tasks = tasks
        self.performance: dict[str, Any] = {} if performance is None else performance
        self.reliability: tuple[Reliability, ...] = ()

    def waves(self, found: Mapping[str, Finding]) -> Iterator[tuple[Task, ...]]:
        """The tasks of each wave; a wave begins when the one before has ended and `found` holds it."""
        yield self.tasks

    def settle(self, found: dict[str, Finding]) -> None:
        """What only all findings together tell. Changes `found` in place."""
