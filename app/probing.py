"""Run a probe on behalf of the registry: with its settings, address rules and memory of key controls."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from app import keycontrol, probe, vault
from app.access import Actor
from app.config import settings
from app.errors import ApiError
from app.model_types import MODEL_TYPES
from app.models import db
from app.probe import Cancellation
from app.probe.rules import EgressRules
from app.probe.types import Endpoint, Event, Finished, Report, finite

JSON = Any
Values = Mapping[str, Any]
Depth = Literal["full", "proof"]

DECLARED: Mapping[str, str] = {
    "tool_calling": "supports_tool_calling",
    "strict_tool": "supports_strict_tool",
    "vision": "supports_vision",
    "reasoning": "has_reasoning",
    "image_edit": "supports_image_edit",
}
"""Which column declares a capability of the probe."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model got in; `model_id` is the id of its row."""

    model_id: str
    report: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Updated:
    """A model was changed; the report is None where no probe was needed."""

    model_id: str
    report: dict[str, JSON] | None


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe that only looked. `report["model"]` is None where no model was meant, or where it is gone."""

    report: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The probe did not see it work, so nothing was changed.

    `diagnosis` is the report's, with the fields as the request calls them.
    """

    report: dict[str, JSON]
    diagnosis: dict[str, JSON]


Terminal = Registered | Updated | Probed | Rejected
Events = Iterator[Event | Terminal]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a probe, and how."""

    actor: Actor
    strict: bool = False
    depth: Depth = "full"
    cancelled: Cancellation | None = None


def probed(values: Values, asked: Asked, *, key_control: bool) -> Generator[Event, None, Report]:
    """Run the probe and hand its events on; gives the report back.

    `values` are a form's. No connection to the database is held meanwhile; closing this ends the probe.
    """
    key = key_in_clear(values["api_key"] or "")
    origin = keycontrol.origin_of(values["base_url"])
    db.session.rollback()
    claim = keycontrol.claim(origin) if key_control and key else None
    report: Report | None = None
    try:
        with closing(_run(values, key, asked, key_control=claim is not None)) as events:
            for event in events:
                if isinstance(event, Finished):
                    report = event.report
                else:
                    yield event
    finally:
        if claim and not keycontrol.was_used(report):
            keycontrol.release(claim)
    assert report is not None, "a probe ends in exactly one report"
    return report


def _run(values: Values, key: str, asked: Asked, *, key_control: bool) -> Generator[Event, None, None]:
    endpoint = Endpoint(values["base_url"], key, values.get("remote_model_id") or values["model_id"])
    events = probe.run(
        endpoint,
        MODEL_TYPES[values["model_type"]],
        {name: values.get(column) for name, column in DECLARED.items()},
        limits=settings().limits,
        rules=egress_rules(),
        depth=asked.depth,
        strict=asked.strict,
        key_control=key_control,
        cancelled=asked.cancelled,
    )
    yield from events


def egress_rules() -> EgressRules:
    """The address rules as the settings have them, Muster's own address among what is refused."""
    chosen = settings()
    hosts = ("127.0.0.1", "::1") if chosen.host == "localhost" else (chosen.host,)
    return EgressRules(
        private=chosen.egress_private,
        allow=chosen.egress_allow,
        deny=chosen.egress_deny,
        own=tuple((host, chosen.port) for host in hosts),
        ca_bundle=chosen.ca_bundle,
        proxy=chosen.proxy,
    )


def in_full(report: Report, id: str, model_pk: str | None) -> dict[str, JSON]:
    """The report in its wire form, with what storage adds, and nothing in it that JSON has no word for.

    Where a declared capability is the trouble, the field is the one that declared it.
    """
    full: dict[str, JSON] = finite({"id": id, "model": model_pk, **report.as_dict()})
    if full["diagnosis"]:
        field = full["diagnosis"]["field"]
        full["diagnosis"]["field"] = DECLARED.get(field, field)
    return full


def key_unusable(error: vault.VaultError) -> ApiError:
    """The answer where a stored key or a reference can't be turned into a key."""
    message = f"The key can't be used: {error} Send another one with PATCH."
    return ApiError("api_key_unusable", message, 400, field="api_key")


def key_in_clear(key: str) -> str:
    """A key, or what a reference to the environment stands for; ApiError 400 where it can't be resolved."""
    try:
        return vault.resolve(key) if vault.is_reference(key) else key
    except vault.VaultError as error:
        raise key_unusable(error) from error
