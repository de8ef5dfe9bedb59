"""Years and swaps of one model, judged by the functions that the watch itself judges by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.watch.identity.distance import Apart
from app.watch.identity.learned import Learned, learn
from app.watch.identity.samples import WORDS, Rows, Word, vocabulary_of, word_rows
from app.watch.identity.sequence import PLANS, followed, suspicion
from tests.watch.identity.sources import (
    VOCABULARY,
    Codes,
    Noise,
    a_model,
    changed,
    code_of,
    log_source,
    word_source,
    words_of,
)  # fmt: skip

YEAR_S = 365 * 86_400


def alarms_in_a_year(noise: Noise, seed: int, every_s: int = 300, years: float = 1.0) -> int:
    """How often one model that stays the same is said to differ."""
    random = np.random.default_rng(seed)
    draw = log_source(noise, random, a_model(random), every_s)
    plan = PLANS["logprobs"]
    baseline = draw(plan.baseline)
    learned = learn("logprobs", baseline, plan.window)
    count = int(years * YEAR_S / every_s) // plan.window
    windows = draw(count * plan.window).reshape(count, plan.window, -1)
    return _alarms(learned, baseline, windows, random)


def _alarms(learned: Learned, baseline: Rows, windows: Rows, random: np.random.Generator) -> int:
    """Judge windows one after the other as the watch does, but for those that are not one of enough outside
    of the noise in a row: they can't make an alarm."""
    plan, outside = PLANS[learned.kind], ~learned.fits(windows.mean(axis=1))
    alarms = 0
    for begin, end in _runs(outside):
        before, differs = list[Apart](), False
        for window in windows[begin:end] if end - begin >= plan.in_a_row else ():
            found = suspicion(learned, window, partial(_both, baseline, window), random)
            before = followed(before, found, plan.in_a_row)
            alarms += len(before) == plan.in_a_row and not differs
            if len(before) == plan.in_a_row and not differs:
                differs, stray = True, window.mean(axis=0)
            if differs and not before:
                break
        if differs:
            # It went away again, which is remembered, and what follows is judged by it.
            return alarms + _alarms(learned.strayed(stray), baseline, windows[end:], random)
    return alarms


def _both(baseline: Rows, window: Rows) -> tuple[Rows, Rows]:
    return baseline, window


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def swap_seen(noise: Noise, seed: int, change: float, most: int = 100) -> int:
    """After how many checks another model is told, 0 where it is not; it comes at any moment of a window."""
    random = np.random.default_rng(seed)
    plan = PLANS["logprobs"]
    model = a_model(random)
    same = log_source(noise, random, model)
    other = log_source(noise, random, changed(model, random, change))
    baseline = same(plan.baseline)
    learned = learn("logprobs", baseline, plan.window)
    began = int(random.integers(plan.window))
    rows = np.vstack((same(began), other(most))) if began else other(most)
    before = list[Apart]()
    for end in range(plan.window, len(rows) + 1, plan.window):
        window = rows[end - plan.window : end]
        found = suspicion(learned, window, partial(_both, baseline, window), random)
        before = followed(before, found, plan.in_a_row)
        if len(before) == plan.in_a_row:
            return end - began
    return 0


def word_alarms(seed: int, even: float, years: float) -> int:
    """The same for words, at the pace of 300 s."""
    random, plan = np.random.default_rng(seed), PLANS["words"]
    draw = word_source(random, even)
    baseline = words_of(draw(plan.baseline))
    learned, columns = _learn_words(baseline)
    windows = draw(int(years * YEAR_S / 300) // plan.window * plan.window).reshape(-1, plan.window)

    def fits(at: int) -> bool:
        return _words_suspicion(learned, columns, baseline, words_of(windows[at]), random) is None

    outside = _runs(~learned.fits(_word_means(windows, columns)))
    return sum(_alarms_within(begin, end, plan.in_a_row, fits) for begin, end in outside)


def _alarms_within(begin: int, end: int, in_a_row: int, fits: Callable[[int], bool]) -> int:
    """How often so many windows in a row fit not, in a run outside of the noise. The last of them is judged
    first, since one that fits spares the others."""
    alarms = 0
    while begin + in_a_row <= end:
        found = next((at for at in range(begin + in_a_row - 1, begin - 1, -1) if fits(at)), None)
        if found is not None:
            begin = found + 1
            continue
        alarms += 1
        begin = next((at for at in range(begin + in_a_row, end) if fits(at)), end)
    return alarms


def _word_means(windows: Codes, columns: Sequence[Word]) -> Rows:
    """What `word_rows(window, columns).mean(axis=0)` is, for all windows at once."""
    places = np.full(len(WORDS) * VOCABULARY, len(columns))
    places[[code_of(word) for word in columns]] = np.arange(len(columns))
    counts = np.zeros((len(windows), len(columns) + 1))
    np.add.at(counts, (np.arange(len(windows))[:, None], places[windows]), 1)
    means: Rows = counts / windows.shape[1]
    return means


def words_swap_seen(seed: int, even: float, most: int = 600) -> int:
    """After how many checks other words are told, 0 where they are not."""
    random, plan = np.random.default_rng(seed), PLANS["words"]
    same, other = word_source(random, even), word_source(random, even)
    baseline = words_of(same(plan.baseline))
    learned, columns = _learn_words(baseline)
    began = int(random.integers(plan.window))
    words, before = words_of(np.concatenate((same(began), other(most)))), list[Apart]()
    for place, at in enumerate(range(0, len(words) - plan.window + 1, plan.window)):
        window = words[at : at + plan.window]
        before = followed(before, _words_suspicion(learned, columns, baseline, window, random), plan.in_a_row)
        if len(before) == plan.in_a_row:
            return (place + 1) * plan.window - began
    return 0


def _learn_words(baseline: Sequence[Word]) -> tuple[Learned, tuple[Word, ...]]:
    columns = vocabulary_of(baseline)
    return learn("words", word_rows(baseline, columns), PLANS["words"].window), columns


def _words_suspicion(
    learned: Learned, columns: Sequence[Word], baseline: Sequence[Word], window: Sequence[Word],
    random: np.random.Generator,
) -> Apart | None:  # fmt: skip
    def both() -> tuple[Rows, Rows]:
        every = vocabulary_of([*baseline, *window])
        return word_rows(baseline, every), word_rows(window, every)

    return suspicion(learned, word_rows(window, columns), both, random)
