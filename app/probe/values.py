"""The words of the probe as values: what is asked, what was seen, what it means.

Nothing in here does anything. Every part of the probe speaks in these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as with_default
from datetime import datetime
from typing import Any, Literal, get_args

from app.probe.reliability import Reliability

Verdict = Literal["accepted", "rejected"]
Status = Literal["passed", "failed", "inconclusive", "skipped"]
Depth = Literal["proof", "full", "deep"]
"""proof: only whether it works; full: capabilities too; deep: also what costs as much as a long prompt."""
DEPTHS: tuple[Depth, ...] = get_args(Depth)
JSON = Any
HIDDEN = "[key]"
"""What stands in the place of a secret that an endpoint echoed."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How an endpoint wants to be called, beside its URL and its key. Secrets are hidden from the repr."""

    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    """What stands before the key in its header, "" for nothing."""
    headers: tuple[tuple[str, str], ...] = with_default(default=(), repr=False)
    """Further headers of every call: name and value, in the order of their names."""
    ca_pem: str = ""
    """Certificates that are trusted beside the system's."""
    client_certificate: str = with_default(default="", repr=False)
    """A certificate and its private key, as PEM."""
    proxy: str = with_default(default="", repr=False)
    """`http://[user:password@]host:port` that carries every call in place of the settings' proxy."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model is served. The key is in clear, so the repr hides it."""

    base_url: str
    api_key: str = with_default(repr=False)
    model_id: str
    settings: EndpointSettings = EndpointSettings()


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a proof asks, so that its answer can be compared with earlier ones; it costs no further call.

    With `tops` the answer is one token with so many log-probabilities, with 0 it is a word.
    """

    prompt: str
    tops: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the answer of a proof tells of who gave it; what was not given is empty."""

    top: Mapping[str, float] = with_default(default_factory=dict)
    """Natural logarithms by token, of the first token."""
    text: str = ""
    thinks: bool = False
    vector: tuple[float, ...] = ()
    model: str = ""
    fingerprint: str = ""
    prompt_tokens: int | None = None
    form: str = ""
    """How the endpoint wants to be asked: answers to other requests can't be compared."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate or a key holds; `begins` is None where that is not told."""

    begins: datetime | None
    ends: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of one probe; seconds, bytes or counts."""

    connect_s: float = 5.0
    first_byte_s: float = 60.0
    probe_s: float = 120.0
    check_s: float = 30.0
    wait_s: float = 20.0
    """For one wait that an endpoint asks for; 0: nobody waits, the first answer counts."""
    body_bytes: int = 2 * 1024 * 1024
    header_bytes: int = 256 * 1024
    calls_at_once: int = 8
    proof_calls: int = 8
    ahead_s: float = 0.05
    """By so much the proof is ahead of what is asked beside it."""
    tokens: int = 2000
    thinking_tokens: int = 12_000
    """In place of `tokens`, for a model that thinks before it answers."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a probe rejected. `code` is a row of diagnosis.CODES; `suggestions` maps a field to values."""

    code: str
    field: str | None
    message: str
    suggestions: Mapping[str, tuple[str, ...]] = with_default(default_factory=dict)

    def as_dict(self) -> dict[str, JSON]:
        """The diagnosis as the report holds it."""
        return {
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "suggestions": {name: list(values) for name, values in self.suggestions.items()},
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One question of a probe and how it ended, as the report holds it."""

    name: str
    status: Status
    method: str | None = None
    path: str | None = None
    http_status: int | None = None
    duration_ms: int | None = None
    first_byte_ms: int | None = None
    evidence: str = ""
    adaptations: tuple[str, ...] = ()
    request: JSON = None
    """The JSON body sent (large values shortened), so that a reader can repeat the check by hand."""

    def as_dict(self) -> dict[str, JSON]:
        """The check as the report holds it."""
        return {
            "name": self.name,
            "status": self.status,
            "method": self.method,
            "path": self.path,
            "http_status": self.http_status,
            "duration_ms": self.duration_ms,
            "first_byte_ms": self.first_byte_ms,
            "evidence": self.evidence,
            "adaptations": list(self.adaptations),
            "request": self.request,
        }


@dataclass(frozen=True, slots=True)
class Capability:
    """What a person declared beside what the probe observed; None where not said or not told."""

    declared: bool | None
    observed: bool | None
    evidence: str = ""

    def as_dict(self) -> dict[str, JSON]:
        """The capability as the report holds it."""
        return {"declared": self.declared, "observed": self.observed, "evidence": self.evidence}


@dataclass(frozen=True, slots=True)
class Warning_:
    """Something a person should know although the model was let in."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a probe found. `started` is RFC 3339 in UTC. It never holds a key."""

    verdict: Verdict
    started: str
    duration_ms: int
    diagnosis: Diagnosis | None
    checks: tuple[Check, ...]
    capabilities: Mapping[str, Capability]
    warnings: tuple[Warning_, ...]
    catalog: Mapping[str, JSON]
    performance: Mapping[str, JSON]
    usage: Mapping[str, int]
    observed: Mapping[str, JSON] = with_default(default_factory=dict)
    """Metadata fields of the model document that the probe saw, by their names there."""
    reliability: tuple[Reliability, ...] = ()
    """What repeated checks told; empty where none was repeated."""
    answered_by: str | None = None
    """The `model` that the proof's answer named."""
    sample: Sample | None = None
    """Where one was asked for; it is no part of the JSON form."""
    certificate: Validity | None = None
    """The server's own, where the calls went over TLS; it is no part of the JSON form."""

    def as_dict(self) -> dict[str, JSON]:
        """The report in its JSON form, without `id` and `model`, which storage adds."""
        repeated = [one.as_dict() for one in self.reliability]
        return {
            "verdict": self.verdict,
            "started": self.started,
            "duration_ms": self.duration_ms,
            "diagnosis": self.diagnosis.as_dict() if self.diagnosis else None,
            "checks": [check.as_dict() for check in self.checks],
            "capabilities": {name: seen.as_dict() for name, seen in self.capabilities.items()},
            "warnings": [{"code": w.code, "message": w.message} for w in self.warnings],
            "catalog": dict(self.catalog),
            "performance": dict(self.performance),
            "usage": dict(self.usage),
            "observed": dict(self.observed),
            "answered_by": self.answered_by,
        } | ({"reliability": repeated} if repeated else {})


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A check begins; `may_take_s` is the most that it may take."""

    name: str
    may_take_s: float


@dataclass(frozen=True, slots=True)
class CheckWaiting:
    """A check waits before it asks again, `seconds` long, because of `reason`."""

    name: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class CheckEnded:
    """A check has its result."""

    check: Check


@dataclass(frozen=True, slots=True)
class Finished:
    """The one terminal event of a probe."""

    report: Report


def finite(value: JSON) -> JSON:
    """The same without NaN and the infinities: endpoints send them, and JSON has no word for them."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and value - value != 0 else value


Event = CheckStarted | CheckWaiting | CheckEnded | Finished
