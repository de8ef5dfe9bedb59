"""One run of the probe against an endpoint, as a stream of events that ends in one report."""

from __future__ import annotations

import queue
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from app.probe.model_types.model_type import ModelType
from app.probe.phases import ProbeRun
from app.probe.reliability import Repeat
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.shared_lists import SharedLists
from app.probe.values import Depth, Event, Finished, Limits, Sampling, Target

_END_S = 5.0
"""Seconds that a cancelled probe is waited for; its calls end within a fraction of one."""


def run(
    endpoint: Target,
    model_type: ModelType,
    declared: Mapping[str, bool | None],
    *,
    limits: Limits | None = None,
    rules: EgressRules | None = None,
    depth: Depth = "full",
    strict: bool = False,
    key_control: bool = True,
    repeat: Repeat | None = None,
    sampling: Sampling | None = None,
    lists: SharedLists | None = None,
    cancelled: Cancellation | None = None,
) -> Generator[Event, None, None]:
    """Probe an endpoint; yields events as they happen, the last of them exactly one `Finished`.

    `declared` maps capability names to what a person said (None: not said). `depth` "proof" leaves the
    capabilities out, `strict` rejects where a declared one was seen not to work, `key_control` False leaves
    out the call with a wrong key, `repeat` asks some checks many times in place of all of them once,
    `sampling` has the proof ask what can be compared from one time to the next (the report's `sample`),
    `lists` is what probes of one endpoint side by side share. Closing the generator cancels the probe: calls
    under way end within a fraction of a second. Never raises for what an endpoint does; a defect of its own
    is raised to the caller.
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    stop = cancelled or Cancellation()
    probe = ProbeRun(
        endpoint=endpoint,
        model_type=model_type,
        declared=declared,
        limits=limits or Limits(),
        rules=rules or EgressRules(),
        depth=depth,
        strict=strict,
        key_control=key_control,
        repeat=repeat,
        sampling=sampling,
        lists=lists or SharedLists(),
        stop=stop,
        emit=events.put,
    )
    pool = ThreadPoolExecutor(1, "probe")
    working = pool.submit(probe.work)
    working.add_done_callback(lambda _: events.put(None))
    # Not at the end: a generator that is left unfinished is closed by the garbage collector, maybe on a
    # thread that holds the very locks which the end of a pool or of a thread takes.
    pool.shutdown(wait=False)
    try:
        while (event := events.get()) is not None:
            yield event
            if isinstance(event, Finished):
                return
        working.result()  # It ended without a report: its own error is raised here, not swallowed.
    finally:
        stop.set()
        wait((working,), _END_S)
