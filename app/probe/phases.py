"""The two phases of a probe: the proof beside the catalog, then controls and capabilities side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from app.probe.base_url import Base
from app.probe.capabilities import label_of
from app.probe.controls import UNKNOWN_MODEL, WRONG_KEY, ask_for_unknown_model, ask_with_wrong_key, doubtful
from app.probe.conversation.record import check_of
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.diagnosis.codes import CODES
from app.probe.diagnosis.diagnose import diagnose
from app.probe.model_types.model_type import ModelType
from app.probe.model_types.sampling import first_shape, sample_of
from app.probe.proof import Outcome, Proven, prove
from app.probe.reading.catalog import read_catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.refusal import quote, read_refusal
from app.probe.reliability import Repeat
from app.probe.report import Seen, report_of
from app.probe.tasks import Checks, Finding, Result, Task
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import (
    Check,
    CheckEnded,
    CheckStarted,
    Depth,
    Diagnosis,
    Event,
    Finished,
    Limits,
    Sampling,
    Target,
    Warning_,
)

_CATALOG_S = 10.0
"""Seconds that the list of models may take: it decides nothing, so nothing waits long for it."""


@dataclass(slots=True, kw_only=True)
class ProbeRun:
    """One run. `work` does all of it on the calling thread and emits a `Finished` last, whatever happens."""

    endpoint: Target
    model_type: ModelType
    declared: Mapping[str, bool | None]
    limits: Limits
    rules: EgressRules
    depth: Depth
    strict: bool
    key_control: bool
    repeat: Repeat | None
    sampling: Sampling | None
    lists: SharedLists
    stop: Cancellation
    emit: Callable[[Event], None]
    seen: Seen = field(default_factory=Seen)
    started_names: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """The whole probe."""
        started, began = datetime.now(UTC), time.monotonic()
        deadline = began + self.limits.probe_s
        settings = self.endpoint.settings
        with Client(
            self.rules, self.limits, deadline=deadline, cancelled=self.stop, settings=settings
        ) as client:
            talk = Conversation(
                self.endpoint,
                Base.of(self.endpoint.base_url),
                client,
                self.limits,
                deadline,
                self.emit,
                self.declared,
                cancelled=self.stop,
                shape=first_shape(self.sampling),
                sampling=self.sampling,
                depth=self.depth,
            )
            with ThreadPoolExecutor(self.limits.calls_at_once + 1, "probe") as pool:
                outcome = self._first_phase(talk, pool)
                if outcome is not None and outcome.proven:
                    self._second_phase(talk, pool, outcome)
        self._contradictions()
        duration_ms = round((time.monotonic() - began) * 1000)
        self.emit(Finished(report_of(talk, self.model_type, self.seen, started, duration_ms)))

    def _first_phase(self, talk: Conversation, pool: ThreadPoolExecutor) -> Outcome | None:
        """The catalog beside the proof. None where a defect of our own ended the proof."""
        catalog = Task(("catalog",), self._read_catalog)
        reading = pool.submit(lambda: self._take(self._guarded(talk, catalog)))
        answered, early = threading.Event(), self.model_type.early
        if early and self.depth != "proof" and not self.repeat:
            pool.submit(_ask_beside, early, talk, answered, self.limits.ahead_s)
        outcomes: list[Outcome] = []
        proving = self._guarded(
            talk, Task(("proof",), partial(_proven, model_type=self.model_type, outcomes=outcomes))
        )
        answered.set()
        reading.result()
        talk.catalog_metadata = metadata_of(self.seen.catalog.find(self.endpoint.model_id))
        if not outcomes:
            self._take(proving)
            message = (
                "Muster itself failed while it read the endpoint's answers. Please report it with this probe."
            )
            self.seen.diagnosis = Diagnosis("endpoint_error", "base_url", message)
            return None
        outcome = outcomes[0]
        talk.shape = outcome.shape
        if outcome.proven is None:
            self._reject(talk, outcome)
        self._end(_proof_check(talk, outcome))
        return outcome

    def _reject(self, talk: Conversation, outcome: Outcome) -> None:
        proof, name = self.model_type.proof, self.model_type.name
        self.seen.diagnosis = diagnose(talk, name, proof, outcome, self.seen.catalog)
        if outcome.stream_seen is False and "streaming" in self.model_type.capabilities:
            evidence = "A stream was asked for, and it brought an error or nothing."
            self.seen.found["streaming"] = Finding("streaming", False, evidence)

    def _second_phase(self, talk: Conversation, pool: ThreadPoolExecutor, outcome: Outcome) -> None:
        proven = outcome.proven
        assert proven is not None
        talk.observed = dict(proven.observed)
        self.seen.answered_by = proven.model
        self.seen.sample = sample_of(self.model_type, outcome) if self.sampling else None
        if proven.warning:
            self.seen.warnings.append(Warning_(*proven.warning))
        checks = self._checks(talk, proven)
        beside = tuple(self._controls(outcome))
        for wave in checks.waves(self.seen.found):
            self._all(talk, pool, (*beside, *wave))
            beside = ()
        checks.settle(self.seen.found)
        self.seen.performance, self.seen.reliability = checks.performance, checks.reliability
        if self.depth == "proof" and proven.thinks and "reasoning" in self.model_type.capabilities:
            self.seen.found["reasoning"] = Finding("reasoning", True, proven.evidence)

    def _checks(self, talk: Conversation, proven: Proven) -> Checks:
        if self.depth == "proof":
            return Checks()
        if self.repeat and self.model_type.repeats:
            return self.model_type.repeats(talk, proven, self.repeat)
        return self.model_type.checks(talk, proven)

    def _controls(self, outcome: Outcome) -> Iterator[Task]:
        proof = self.model_type.proof
        if self.key_control and self.endpoint.api_key:
            yield Task((WRONG_KEY,), partial(ask_with_wrong_key, proof=proof, outcome=outcome))
        if doubtful(self.seen.catalog, self.endpoint.model_id):
            yield Task((UNKNOWN_MODEL,), partial(self._unknown_model, outcome=outcome))

    def _unknown_model(self, talk: Conversation, outcome: Outcome) -> Result:
        result, diagnosis = ask_for_unknown_model(talk, self.model_type, outcome, self.seen.catalog)
        self.seen.diagnosis = self.seen.diagnosis or diagnosis
        return result

    def _all(self, talk: Conversation, pool: ThreadPoolExecutor, tasks: tuple[Task, ...]) -> None:
        """Work through tasks side by side, and through those that follow from them."""
        under_way: set[Future[Result]] = {pool.submit(self._guarded, talk, task) for task in tasks}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                self._take(result)
                under_way |= {pool.submit(self._guarded, talk, task) for task in result.then}

    def _guarded(self, talk: Conversation, task: Task) -> Result:
        for name in task.names:
            self._start(name, self.limits.probe_s if name == "proof" else self.limits.check_s)
        try:
            return task.work(talk)
        except Exception as error:  # noqa: BLE001 - the one broad except: one defect must not end all checks
            evidence = f"This check failed in Muster itself ({type(error).__name__}); please report it."
            checks = tuple(Check(name, "inconclusive", evidence=evidence) for name in task.names)
            return Result(tuple(Finding(name, None, evidence) for name in task.names), checks)

    def _take(self, result: Result) -> None:
        self.seen.found |= {finding.name: finding for finding in result.findings}
        self.seen.warnings += [Warning_(*warning) for warning in result.warnings]
        for check in result.checks:
            self._end(check)

    def _start(self, name: str, may_take_s: float) -> None:
        with self.lock:
            if name in self.started_names:
                return
            self.started_names.add(name)
        self.emit(CheckStarted(name, may_take_s))

    def _end(self, check: Check) -> None:
        self.seen.checks.append(check)
        self.emit(CheckEnded(check))

    def _read_catalog(self, talk: Conversation) -> Result:
        request = Request("/models", method="GET")
        until = time.monotonic() + min(_CATALOG_S, self.limits.check_s)
        ask = partial(talk.ask, request, until=until)
        answer = self.lists.read(self.endpoint, ask, self.stop, until)
        catalog = self.seen.catalog = read_catalog(answer)
        talk.listed = catalog.listed(self.endpoint.model_id)
        if catalog.there:
            count = f"{len(catalog.entries)} model{'s' if len(catalog.entries) > 1 else ''}"
            listed = "this one among them" if catalog.listed(self.endpoint.model_id) else "not this one"
            evidence = f"The endpoint lists {count}, {listed}."
        else:
            words = quote(read_refusal(answer), self.endpoint.api_key)[:80]
            why = answer.failure.detail if answer.failure else f"{answer.status} {words}".rstrip()
            evidence = f"No list of models here ({why}); many endpoints have none."
        status: Literal["passed", "inconclusive"] = "passed" if catalog.there else "inconclusive"
        return Result(checks=(check_of("catalog", status, request, answer, evidence, talk),))

    def _contradictions(self) -> None:
        """A declared capability that was observed false warns; it rejects where the caller is strict."""
        for name, is_declared in self.declared.items():
            finding = self.seen.found.get(name)
            if not is_declared or finding is None or finding.observed is not False:
                continue
            evidence = finding.evidence.rstrip(". ")
            call = self._seen_by(name)
            message = f"{label_of(name)} was declared, but {call} that it does not work. {evidence}."
            self.seen.warnings.append(Warning_("capability_contradicted", message))
            if self.strict and self.seen.diagnosis is None:
                following = CODES["capability_contradicted"].help
                self.seen.diagnosis = Diagnosis("capability_contradicted", name, f"{message} {following}")

    def _seen_by(self, name: str) -> str:
        """Which call showed a capability to be missing, as far as one alone did."""
        asked = (check for check in self.seen.checks if check.name == name and check.path)
        check = next(asked, None)
        if check is None:
            return "the probe saw"
        return f"{check.method} {check.path} at {Base.of(self.endpoint.base_url).netloc} showed"


def _proven(talk: Conversation, model_type: ModelType, outcomes: list[Outcome]) -> Result:
    outcomes.append(prove(talk, model_type.proof))
    return Result()


def _ask_beside(
    ask: Callable[[Conversation], None], talk: Conversation, answered: threading.Event, ahead_s: float
) -> None:
    """What may be asked beside the proof. The proof's first call is ahead of it: an endpoint that allows one
    call at a time, or few a minute, keeps them for that.
    """
    if not answered.wait(ahead_s):
        ask(talk)


def _proof_check(talk: Conversation, outcome: Outcome) -> Check:
    if outcome.proven:
        evidence = outcome.proven.evidence
    elif outcome.answer.failure:
        evidence = f"{outcome.answer.failure.detail}."
    else:
        evidence = outcome.why or quote(outcome.refusal, talk.endpoint.api_key) or "An answer without words."
    status: Literal["passed", "failed"] = "passed" if outcome.proven else "failed"
    return check_of(
        "proof", status, outcome.request, outcome.answer, evidence, talk, outcome.shape.adaptations
    )
