"""The probe: one run against an endpoint, as a stream of events that ends in one report.

Usable on its own (`python -m app.probe BASE_URL MODEL_ID`): no Flask and no database in here.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from app.probe.asking import Result, Task
from app.probe.asks import Finding
from app.probe.base import Base
from app.probe.catalog import Catalog, metadata_of, read_catalog
from app.probe.client import Client
from app.probe.controls import UNKNOWN_MODEL, WRONG_KEY, ask_for_unknown_model, ask_with_wrong_key, doubtful
from app.probe.conversation import Request, Run, check_of
from app.probe.diagnosis import CODES
from app.probe.egress import EgressRules
from app.probe.kind import ModelType
from app.probe.proof import Outcome, prove
from app.probe.types import (
    Capability,
    Check,
    CheckEnded,
    CheckStarted,
    Diagnosis,
    Endpoint,
    Event,
    Finished,
    Limits,
    Report,
    Verdict,
    Warning_,
)
from app.probe.verdict import diagnose
from app.probe.words import clean, quote, read

__all__ = ["EgressRules", "Endpoint", "Event", "Limits", "ModelType", "Report", "run"]

Depth = Literal["full", "proof"]


def run(
    endpoint: Endpoint,
    model_type: ModelType,
    declared: Mapping[str, bool | None],
    *,
    limits: Limits | None = None,
    rules: EgressRules | None = None,
    depth: Depth = "full",
    strict: bool = False,
    key_control: bool = True,
    cancelled: threading.Event | None = None,
) -> Iterator[Event]:
    """Probe an endpoint; yields events as they happen, the last of them exactly one `Finished`.

    `declared` maps capability names to what a person said (None: not said). Closing the generator cancels the probe:
    calls under way end within a fraction of a second. Never raises for what an endpoint does.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stop = cancelled or threading.Event()
    probe = _Probe(
        endpoint,
        model_type,
        declared,
        limits or Limits(),
        rules or EgressRules(),
        depth,
        strict,
        key_control,
        stop,
        events,
    )
    thread = threading.Thread(target=probe.work, name="probe", daemon=True)
    thread.start()
    try:
        while True:
            event = events.get()
            yield event
            if isinstance(event, Finished):
                return
    finally:
        stop.set()
        thread.join(5)


@dataclass(slots=True)
class _Probe:
    endpoint: Endpoint
    model_type: ModelType
    declared: Mapping[str, bool | None]
    limits: Limits
    rules: EgressRules
    depth: Depth
    strict: bool
    key_control: bool
    stop: threading.Event
    events: queue.SimpleQueue[Event]
    checks: list[Check] = field(default_factory=list)
    found: dict[str, Finding] = field(default_factory=dict)
    warnings: list[Warning_] = field(default_factory=list)
    catalog: Catalog = field(default_factory=Catalog)
    diagnosis: Diagnosis | None = None
    started_names: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """The whole probe, on its own thread; always puts a `Finished`."""
        started, began = datetime.now(UTC), time.monotonic()
        deadline = began + self.limits.probe_s
        with Client(self.rules, self.limits, deadline=deadline, cancelled=self.stop) as client:
            talk = Run(
                self.endpoint,
                Base.of(self.endpoint.base_url),
                client,
                self.limits,
                deadline,
                self.events.put,
                self.declared,
                cancelled=self.stop,
            )
            with ThreadPoolExecutor(self.limits.calls_at_once + 1, "probe") as pool:
                outcome = self._first_phase(talk, pool)
                if outcome is not None and outcome.shown:
                    self._second_phase(talk, pool, outcome)
        self._contradictions()
        self.events.put(Finished(self._report(talk, started, began)))

    def _first_phase(self, talk: Run, pool: ThreadPoolExecutor) -> Outcome | None:
        """The catalog beside the proof. None where a defect of our own ended the proof."""
        reading = pool.submit(self._read_catalog, talk)
        self._start("proof", self.limits.probe_s)
        outcomes: list[Outcome] = []
        failed = self._guarded(talk, Task(("proof",), lambda talk: _proven(talk, self.model_type, outcomes)))
        self.catalog = reading.result()
        talk.catalog_metadata = metadata_of(self.catalog.find(self.endpoint.model_id))
        if not outcomes:
            self.checks += failed.checks
            self.diagnosis = Diagnosis(
                "endpoint_error", "base_url", "The probe could not read the endpoint's answers; probe again."
            )
            return None
        outcome = outcomes[0]
        talk.shape = outcome.shape
        if outcome.shown is None:
            self._reject(talk, outcome)
        self._end(_proof_check(talk, outcome))
        return outcome

    def _reject(self, talk: Run, outcome: Outcome) -> None:
        self.diagnosis = diagnose(talk, self.model_type.name, self.model_type.proof, outcome, self.catalog)
        if outcome.stream_seen is False and "streaming" in self.model_type.capabilities:
            self.found["streaming"] = Finding(
                "streaming", False, "A stream was asked for, and it brought an error or nothing."
            )

    def _second_phase(self, talk: Run, pool: ThreadPoolExecutor, outcome: Outcome) -> None:
        shown = outcome.shown
        assert shown is not None
        talk.thinks, talk.observed = shown.thinks, dict(shown.observed)
        talk.thought = shown.evidence if shown.thinks else ""
        if shown.warning:
            self.warnings.append(Warning_(*shown.warning))
        tasks = [*self._controls(outcome), *(self.model_type.checks(talk) if self.depth == "full" else ())]
        self._all(talk, pool, tasks)
        if self.depth == "full":
            self.model_type.settle(talk, self.found)
        elif shown.thinks and "reasoning" in self.model_type.capabilities:
            self.found["reasoning"] = Finding("reasoning", True, shown.evidence)

    def _controls(self, outcome: Outcome) -> Iterator[Task]:
        proof = self.model_type.proof
        if self.key_control and self.endpoint.api_key:
            yield Task((WRONG_KEY,), lambda talk: ask_with_wrong_key(talk, proof, outcome))
        if doubtful(self.catalog, self.endpoint.model_id):
            yield Task((UNKNOWN_MODEL,), lambda talk: self._unknown_model(talk, outcome))

    def _unknown_model(self, talk: Run, outcome: Outcome) -> Result:
        result, diagnosis = ask_for_unknown_model(talk, self.model_type.proof, outcome, self.catalog)
        self.diagnosis = self.diagnosis or diagnosis
        return result

    def _all(self, talk: Run, pool: ThreadPoolExecutor, tasks: list[Task]) -> None:
        """Work through tasks side by side, and through those that follow from them."""
        under_way: set[Future[Result]] = {pool.submit(self._guarded, talk, task) for task in tasks}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                self._take(result)
                under_way |= {pool.submit(self._guarded, talk, task) for task in result.then}

    def _guarded(self, talk: Run, task: Task) -> Result:
        for name in task.names:
            self._start(name, self.limits.check_s)
        try:
            return task.work(talk)
        except Exception as error:  # The one broad except: a defect in one check must not end the others.
            evidence = f"This check failed in Muster itself ({type(error).__name__}); please report it."
            checks = tuple(Check(name, "inconclusive", evidence=evidence) for name in task.names)
            return Result(tuple(Finding(name, None, evidence) for name in task.names), checks)

    def _take(self, result: Result) -> None:
        self.found |= {finding.name: finding for finding in result.findings}
        self.warnings += [Warning_(*warning) for warning in result.warnings]
        for check in result.checks:
            self._end(check)

    def _start(self, name: str, may_take_s: float) -> None:
        with self.lock:
            if name in self.started_names:
                return
            self.started_names.add(name)
        self.events.put(CheckStarted(name, may_take_s))

    def _end(self, check: Check) -> None:
        self.checks.append(check)
        self.events.put(CheckEnded(check))

    def _read_catalog(self, talk: Run) -> Catalog:
        self._start("catalog", self.limits.check_s)
        request = Request("/models", method="GET")
        answer = talk.ask(request, until=time.monotonic() + self.limits.check_s)
        catalog = read_catalog(answer)
        if catalog.there:
            listed = "lists" if catalog.listed(self.endpoint.model_id) else "does not list"
            evidence = f"The endpoint lists {len(catalog.entries)} models and {listed} this one."
        else:
            why = (
                answer.failure.detail
                if answer.failure
                else f"{answer.status}: {quote(read(answer), self.endpoint.api_key)[:80]}"
            )
            evidence = f"No list of models here ({why}); many endpoints have none."
        self._end(
            check_of(
                "catalog", "passed" if catalog.there else "inconclusive", request, answer, evidence, talk
            )
        )
        return catalog

    def _contradictions(self) -> None:
        """A declared capability that was observed false warns, and rejects where the caller asked for
        strictness.
        """
        for name, said in self.declared.items():
            seen = self.found.get(name)
            if said and seen is not None and seen.observed is False:
                message = f"{name} was declared, but the probe saw that it does not work. {seen.evidence}"
                self.warnings.append(Warning_("capability_contradicted", message))
                if self.strict and self.diagnosis is None:
                    message = f"{message} {CODES['capability_contradicted'].help}"
                    self.diagnosis = Diagnosis("capability_contradicted", name, message)

    def _report(self, talk: Run, started: datetime, began: float) -> Report:
        verdict: Verdict = "rejected" if self.diagnosis else "accepted"
        order = ["proof", "catalog", WRONG_KEY, UNKNOWN_MODEL, *self.model_type.capabilities]
        self.checks.sort(key=lambda check: order.index(check.name) if check.name in order else len(order))
        return Report(
            verdict=verdict,
            started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            duration_ms=round((time.monotonic() - began) * 1000),
            diagnosis=self.diagnosis,
            checks=tuple(self.checks),
            capabilities=self._capabilities(),
            warnings=tuple(self.warnings),
            catalog={
                "listed": self.catalog.listed(self.endpoint.model_id),
                "size": len(self.catalog.entries) if self.catalog.there else None,
                "metadata": dict(talk.catalog_metadata),
            },
            performance={"first_token_ms": None, "output_tokens_per_s": None, **talk.performance},
            usage={
                "calls": talk.client.calls,
                "prompt_tokens": talk.usage.prompt_tokens,
                "completion_tokens": talk.usage.completion_tokens,
            },
            observed=self._observed(talk) if verdict == "accepted" else {},
        )

    def _capabilities(self) -> dict[str, Capability]:
        names = [*self.model_type.capabilities, *(n for n, said in self.declared.items() if said is not None)]
        return {
            name: self._capability(name)
            for name in dict.fromkeys(names)
            if name in self.found or "_effort_" not in name
        }

    def _capability(self, name: str) -> Capability:
        seen = self.found.get(name)
        evidence = seen.evidence if seen else "Not asked."
        return Capability(
            self.declared.get(name), seen.observed if seen else None, clean(evidence, self.endpoint.api_key)
        )

    def _observed(self, talk: Run) -> dict[str, Any]:
        seen: dict[str, Any] = {
            name: talk.catalog_metadata[name]
            for name in ("context_window", "max_output_tokens", "max_input_tokens")
            if name in talk.catalog_metadata
        }
        seen |= talk.observed
        for name, fields in self.model_type.capabilities.items():
            finding = self.found.get(name)
            if finding is not None and finding.observed is not None:
                seen |= dict.fromkeys(fields, finding.observed)
        return seen


def _proven(talk: Run, model_type: ModelType, outcomes: list[Outcome]) -> Result:
    outcomes.append(prove(talk, model_type.proof))
    return Result()


def _proof_check(talk: Run, outcome: Outcome) -> Check:
    if outcome.shown:
        evidence = outcome.shown.evidence
    elif outcome.answer.failure:
        evidence = f"{outcome.answer.failure.detail}."
    else:
        evidence = outcome.why or quote(outcome.said) or "An answer without words."
    status: Literal["passed", "failed"] = "passed" if outcome.shown else "failed"
    return check_of(
        "proof", status, outcome.request, outcome.answer, evidence, talk, outcome.shape.adaptations
    )
