"""What a probe saw, gathered while it runs, and the report made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.probe.capabilities import CAPABILITY_BY_NAME
from app.probe.controls import UNKNOWN_MODEL, WRONG_KEY
from app.probe.conversation.talk import Conversation
from app.probe.model_types.model_type import ModelType
from app.probe.reading.catalog import Catalog
from app.probe.reading.refusal import printable
from app.probe.reliability import Reliability
from app.probe.tasks import Finding
from app.probe.values import Capability, Check, Diagnosis, Report, Sample, Verdict, Warning_

NOT_ASKED = "Not asked."
"""The evidence of a capability that a probe did not look for."""
_FROM_CATALOG = ("context_window", "max_output_tokens", "max_input_tokens")


@dataclass(slots=True)
class Seen:
    """The state of a run: checks as they ended, findings by name, warnings, the catalog, the diagnosis."""

    checks: list[Check] = field(default_factory=list)
    found: dict[str, Finding] = field(default_factory=dict)
    warnings: list[Warning_] = field(default_factory=list)
    catalog: Catalog = field(default_factory=Catalog)
    performance: dict[str, Any] = field(default_factory=dict)
    reliability: tuple[Reliability, ...] = ()
    diagnosis: Diagnosis | None = None
    answered_by: str | None = None
    sample: Sample | None = None


def report_of(
    talk: Conversation, model_type: ModelType, seen: Seen, started: datetime, duration_ms: int
) -> Report:
    """The report, its checks in the order of the type; `observed` only where the model was let in."""
    verdict: Verdict = "rejected" if seen.diagnosis else "accepted"
    order = ["proof", "catalog", WRONG_KEY, UNKNOWN_MODEL, *model_type.capabilities]
    rank = {name: place for place, name in enumerate(order)}
    return Report(
        verdict=verdict,
        started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        duration_ms=duration_ms,
        diagnosis=seen.diagnosis,
        checks=tuple(sorted(seen.checks, key=lambda check: rank.get(check.name, len(order)))),
        capabilities=_capabilities(talk, model_type, seen),
        warnings=tuple(seen.warnings),
        catalog=_catalog(talk, seen.catalog),
        performance={"first_token_ms": None, "output_tokens_per_s": None, **seen.performance},
        usage={
            "calls": talk.client.calls,
            "prompt_tokens": talk.budget.prompt_tokens,
            "completion_tokens": talk.budget.completion_tokens,
        },
        reliability=seen.reliability,
        observed=_observed(talk, model_type, seen) if verdict == "accepted" else {},
        answered_by=seen.answered_by,
        sample=seen.sample,
        certificate=talk.client.certificate,
    )


def _catalog(talk: Conversation, catalog: Catalog) -> Mapping[str, Any]:
    return {
        "listed": catalog.listed(talk.endpoint.model_id),
        "size": len(catalog.entries) if catalog.there else None,
        "metadata": dict(talk.catalog_metadata),
    }


def _capabilities(talk: Conversation, model_type: ModelType, seen: Seen) -> dict[str, Capability]:
    """The capabilities of the type and those declared; some of them only where they were asked for."""
    declared = (name for name, value in talk.declared.items() if value is not None)
    names = dict.fromkeys([*model_type.capabilities, *declared])
    return {
        name: _capability(talk, name, seen.found.get(name))
        for name in names
        if name in seen.found or name not in CAPABILITY_BY_NAME or CAPABILITY_BY_NAME[name].is_always_told
    }


def _capability(talk: Conversation, name: str, finding: Finding | None) -> Capability:
    if finding is None:
        return Capability(talk.declared.get(name), None, NOT_ASKED)
    return Capability(talk.declared.get(name), finding.observed, printable(finding.evidence))


def _observed(talk: Conversation, model_type: ModelType, seen: Seen) -> dict[str, Any]:
    """Fields of the model document that the probe saw; what could not be told is left out."""
    fields = {
        name: talk.catalog_metadata[name] for name in _FROM_CATALOG if name in talk.catalog_metadata
    } | talk.observed
    for name, targets in model_type.capabilities.items():
        finding = seen.found.get(name)
        if finding is not None and finding.observed is not None:
            fields |= dict.fromkeys(targets, finding.observed)
    return fields
