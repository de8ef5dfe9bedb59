"""Two thousand model-years without a change by log-probabilities, as many by words, and swaps: how often the
watch cries over nothing, how soon it sees another model. Judged by what the watch itself judges by. Before
that, what a check's sample costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.bench import sampled
from tests.bench.measuring import Finding
from tests.watch.identity.simulated import alarms_in_a_year, swap_seen, word_alarms, words_swap_seen
from tests.watch.identity.sources import NOISES

YEARS = {300: 360, 3600: 40}
"""Model-years by seconds between two checks, for each of the five kinds of noise: 2,000."""
WORD_YEARS = 667
"""For each of three vocabularies: 2,000."""
RUNS = 200
CHANGES = (0.02, 0.05, 0.1, 0.3)


def measure() -> Iterator[Finding]:
    """The processor time of a sample; false alarms and delays, for log-probabilities and for words."""
    yield from sampled.measure()
    total = 0
    for noise in NOISES:
        for every_s, years in YEARS.items():
            alarms = sum(alarms_in_a_year(noise, seed, every_s) for seed in range(years))
            total += alarms
            yield Finding(
                f"alarms in {years} model-years without a change, {noise}, each {every_s} s",
                alarms, "", at_most=years,
            )  # fmt: skip
    yield Finding(f"  all {len(NOISES) * sum(YEARS.values()):,} model-years", total, "", at_most=2000)
    for noise in NOISES:
        for change in CHANGES:
            seen = [swap_seen(noise, seed, change) for seed in range(RUNS)]
            yield Finding(
                f"swap of {change} nats seen within 50 checks, {noise}",
                100 * float(np.mean([0 < one <= 50 for one in seen])), "%",
                at_least=95 if change >= 0.1 else None,
            )  # fmt: skip
            yield Finding("  median of checks", float(np.median([one or 999 for one in seen])), "")
    yield from _of_words()


def _of_words() -> Iterator[Finding]:
    for even in (0.1, 0.3, 1.0):
        alarms = sum(word_alarms(seed, even, 1) for seed in range(WORD_YEARS))
        yield Finding(
            f"alarms in {WORD_YEARS} model-years of words, evenness {even}", alarms, "", at_most=WORD_YEARS
        )
        seen = [words_swap_seen(seed, even) for seed in range(RUNS)]
        within = 100 * float(np.mean([0 < one <= 300 for one in seen]))
        yield Finding(f"other words seen within 300 checks, evenness {even}", within, "%", at_least=95)
        yield Finding("  median of checks", float(np.median([one or 999 for one in seen])), "")
