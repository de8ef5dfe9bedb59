"""A whole probe of a good chat endpoint with 200 ms latency a call, against one plain call of it, beside
LiteLLM's `ahealth_check`, which makes one call and verifies nothing more."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import requests

from app.practice.models import KEY
from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.values import Finished, Target
from tests.bench.endpoint import slow_endpoint
from tests.bench.measuring import Finding, Remark, median_ratio, seconds, side_by_side
from tests.load.installing import NotInstalled, pip_installed

LATENCY_S = 0.2
ROUNDS = 9
MODEL = "practice-chat"
HERE = Path(__file__).parent


def plain_call(base_url: str) -> None:
    """What anyone would write: one chat completion on a new connection."""
    answer = requests.post(
        f"{base_url}/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": "Reply with OK."}], "max_tokens": 16},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=30,
    )
    assert answer.json()["choices"], answer.text


def whole_probe(base_url: str) -> None:
    """Proof, controls and every capability; the verdict must be the right one, with everything seen."""
    events = run(Target(base_url, KEY, MODEL), MODEL_TYPES["chat"], {})
    report = next(event.report for event in events if isinstance(event, Finished))
    assert report.verdict == "accepted"
    seen = {name: one.observed for name, one in report.capabilities.items()}
    of_thinkers = ("reasoning_effort", "tools_with_reasoning")
    missed = [name for name, observed in seen.items() if observed is None and name not in of_thinkers]
    assert not missed, f"the probe could not tell {missed}"


def measure() -> Iterator[Finding | Remark]:
    """Ratios of medians, over rounds in which each had its turn."""
    with slow_endpoint(LATENCY_S) as url:
        plain_call(url)
        whole_probe(url)
        plain, probe = side_by_side(
            ROUNDS, lambda: seconds(lambda: plain_call(url)), lambda: seconds(lambda: whole_probe(url))
        )
        yield Finding("one plain call of an endpoint with 200 ms latency", statistics.median(plain), "s")
        yield Finding("a whole probe of it", statistics.median(probe), "s")
        # Two calls one after another, the proof and one wave, and what Muster itself takes beside them.
        yield Finding("  as a ratio to the plain call", median_ratio(probe, plain), "x", at_most=3)
        yield from _litellm(url, statistics.median(plain))


def _litellm(url: str, plain_s: float) -> Iterator[Finding | Remark]:
    try:
        folder = pip_installed(HERE / "litellm.txt")
    except NotInstalled as error:
        yield Remark(f"LiteLLM could not be installed, so its health check was NOT measured: {error}")
        return
    # It needs other versions of what Muster needs, so it runs in a process of its own.
    done = subprocess.run(
        [sys.executable, str(HERE / "litellm_check.py"), url, KEY, MODEL, str(ROUNDS)],
        env=os.environ | {"PYTHONPATH": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode:
        yield Remark(f"LiteLLM's health check failed and was NOT measured: {done.stderr.strip()[-300:]}")
        return
    took = statistics.median(json.loads(done.stdout.splitlines()[-1]))
    yield Finding("LiteLLM's ahealth_check of it (one call, nothing more verified)", took, "s")
    yield Finding("  as a ratio to the plain call", took / plain_s, "x")
