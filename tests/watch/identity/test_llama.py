"""Real servers: llama.cpp with a tiny model, and with what differs from it in one thing.

`python -m tests.watch.identity.test_llama` prints the table of docs/watch.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.sampling import take
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits, Sample, Target
from app.watch.identity.comparison import Verdict, compare_logprobs
from app.watch.identity.distance import Apart
from app.watch.identity.learned import learn
from app.watch.identity.samples import Rows
from app.watch.identity.sequence import PLANS, followed, suspicion
from app.watch.sampling import Payload, columns_for, payload_of, rows_in, rows_of, sampling_of
from tests.clients.tiny_llama import VARIANTS, Variant

KEY = "llama-key"
LEARNED, CHECKS = 60, 50
"""Nothing of a server that one caller asks is noise, so fewer samples than the watch takes tell as much."""


class Answers:
    """What one server answered: samples as they are kept, and what it counts in the prompt."""

    def __init__(self, samples: list[Sample | None]) -> None:
        found = [sample for sample in samples if sample is not None]
        kept = (payload_of("logprobs", one, 0, None) for one in found)
        # llama.cpp leaves them out where the token it drew is no whole character: a check without a sample.
        self.payloads: list[Payload] = [one for one in kept if one is not None]
        self.prompt_tokens = {one.prompt_tokens or 0 for one in found}


@contextmanager
def served(folder: Path) -> Iterator[Mapping[Variant, str]]:
    """A server for each variant, started side by side; gives their base URLs."""
    with ExitStack() as held:
        children = {}
        for variant in VARIANTS:
            command = [
                sys.executable,
                "-m",
                "tests.clients.tiny_llama",
                str(folder / variant),
                "chat",
                variant,
            ]
            log = held.enter_context((folder / f"{variant}.log").open("wb"))
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            held.callback(child.wait)
            held.callback(child.kill)
            children[variant] = child
        urls: dict[Variant, str] = {}
        for variant, child in children.items():
            assert child.stdout is not None
            urls[variant] = child.stdout.readline().strip()
            assert urls[variant], (folder / f"{variant}.log").read_text(errors="replace")[-2000:]
            child.stdout.close()
        yield urls


def sampled(url: str, count: int) -> Answers:
    """So many health checks of this server, as the watch makes them."""
    rules = EgressRules()
    target = Target(base_url=url, api_key=KEY, model_id="tiny-babbler")
    asked = [sampling_of("logprobs", turn) for turn in range(count)]
    return Answers(list(take(target, MODEL_TYPES["chat"], asked, Limits(), rules)))


def all_answers() -> Iterator[dict[str, Answers]]:
    """What all of them answered; "before" are the samples that are learned."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as urls:
        found: dict[str, Answers] = {variant: sampled(urls[variant], CHECKS) for variant in VARIANTS}
        found["before"] = sampled(urls["itself"], LEARNED)
        yield found


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, Answers]]:
    """All that the tests of this file look at."""
    yield from all_answers()


def seen_after(answers: Mapping[str, Answers], variant: str) -> tuple[int | None, float]:
    """After how many checks it is told that another model answers (None: never), and how far it lies."""
    plan, random = PLANS["logprobs"], np.random.default_rng(1)
    baseline, now = answers["before"].payloads, answers[variant].payloads
    columns = columns_for("logprobs", baseline)
    learned = learn("logprobs", rows_in("logprobs", columns, baseline), plan.window)
    rows, before = rows_in("logprobs", columns, now), list[Apart]()
    far = float(learned.far(rows.mean(axis=0)))
    for end in range(plan.window, len(rows) + 1, plan.window):
        window = now[end - plan.window : end]
        both = rows_of("logprobs", baseline, window)
        found = suspicion(learned, rows[end - plan.window : end], partial(_two, both), random)
        before = followed(before, found, plan.in_a_row)
        if len(before) == plan.in_a_row:
            return end, far
    return None, far


def _two(rows: list[Rows]) -> tuple[Rows, Rows]:
    return rows[0], rows[1]


def compared(answers: Mapping[str, Answers], variant: str) -> Verdict:
    """This one and the first, side by side."""
    rows = rows_of("logprobs", answers["before"].payloads[:24], answers[variant].payloads[:24])
    return compare_logprobs(rows[0], rows[1], np.random.default_rng(1))


def test_the_same_weights_are_the_same(answers: dict[str, Answers]) -> None:
    assert seen_after(answers, "itself")[0] is None
    assert compared(answers, "itself").answer == "same"


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant != "itself"])
def test_what_differs_in_one_thing_is_seen(answers: dict[str, Answers], variant: str) -> None:
    """One tensor times 1.001 included."""
    checks, far = seen_after(answers, variant)
    assert checks is not None and checks <= 50, far


@pytest.mark.parametrize(
    ("variant", "answer"), [("four bits", "different"), ("other weights", "different"), ("nudged", "same")]
)
def test_two_of_them_are_compared(answers: dict[str, Answers], variant: str, answer: str) -> None:
    assert compared(answers, variant).answer == answer


def test_text_in_front_shows_in_the_prompts_length(answers: dict[str, Answers]) -> None:
    assert len(answers["itself"].prompt_tokens) == 1
    assert max(answers["other system prompt"].prompt_tokens) > max(answers["itself"].prompt_tokens)
    assert answers["other weights"].prompt_tokens == answers["itself"].prompt_tokens


if __name__ == "__main__":
    for found in all_answers():
        for name in VARIANTS:
            checks, far = seen_after(found, name)
            verdict = compared(found, name)
            sys.stdout.write(f"| {name} | {far:.4f} | {checks or 'never'} | {verdict.answer} |\n")
