"""A change is seen soon, and no change is cried over: on sources that behave as endpoints do."""

from __future__ import annotations

import numpy as np
import pytest

from app.watch.identity.comparison import compare
from app.watch.identity.distance import apart, distance
from app.watch.identity.samples import (
    LogProbs,
    Word,
    columns_of,
    log_rows,
    vocabulary_of,
    word_of,
    word_rows,
)
from app.watch.identity.sequence import PLANS, Sequence
from tests.watch.identity.sources import Noise, log_source, word_source

NOISES: tuple[Noise, ...] = ("none", "batching", "two replicas", "drift of load")


def followed(noise: Noise, seed: int, change: float = 0.0) -> tuple[Sequence, object]:
    """A sequence with its baseline, and the source that goes on, changed or not."""
    plan, random = PLANS["logprobs"], np.random.default_rng(seed)
    same = log_source(noise, random)
    sequence = Sequence(plan, same(plan.baseline), random)
    return sequence, log_source(noise, random, change) if change else same


@pytest.mark.parametrize("noise", NOISES)
def test_nothing_is_cried_over_nothing(noise: Noise) -> None:
    """Ten models for two months each at 300 s: at most one alarm a model and year would be two of these."""
    alarms = 0
    for seed in range(10):
        sequence, draw = followed(noise, seed)
        assert callable(draw)
        alarms += sum(sequence.take(draw(sequence.plan.window)) is not None for _ in range(400))
    assert alarms == 0


@pytest.mark.parametrize("noise", NOISES)
def test_another_model_shows_within_fifty_checks(noise: Noise) -> None:
    found = 0
    for seed in range(60):
        sequence, draw = followed(noise, seed, change=0.1)
        assert callable(draw)
        windows = 50 // sequence.plan.window
        found += any(sequence.take(draw(sequence.plan.window)) for _ in range(windows))
    assert found >= 57


def test_words_show_another_model_within_three_hundred_checks_and_stay_quiet() -> None:
    plan, quiet, found = PLANS["words"], 0, 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        same, other = word_source(random), word_source(random)
        baseline = same(plan.baseline)
        vocabulary = vocabulary_of(baseline)
        sequence = Sequence(plan, word_rows(baseline, vocabulary), random)
        quiet += all(sequence.take(word_rows(same(plan.window), vocabulary)) is None for _ in range(50))
        sequence.suspicions.clear()
        windows = 300 // plan.window
        found += any(sequence.take(word_rows(other(plan.window), vocabulary)) for _ in range(windows))
    assert (quiet, found) == (10, 10)


def test_one_strange_window_is_no_alarm() -> None:
    sequence, draw = followed("batching", 1)
    assert callable(draw)
    assert sequence.take(draw(10) + 1.0) is None and sequence.suspicions
    assert sequence.take(draw(10)) is None and not sequence.suspicions


def test_p_is_honest() -> None:
    """Of two halves of the same source, p is at most 5 % in about 5 % of the draws."""
    random = np.random.default_rng(3)
    ps = [apart(random.normal(size=(40, 5)), random.normal(size=(10, 5)), random, 199).p for _ in range(300)]
    assert 0.02 <= np.mean(np.array(ps) <= 0.05) <= 0.09


def test_the_distance_is_that_of_the_means() -> None:
    assert distance(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([[1.0, 2.0]])) == 0.5


def test_a_token_outside_of_the_top_counts_as_its_lowest() -> None:
    samples = [LogProbs({"a": -0.1, "b": -2.0}), LogProbs({"a": -0.2, "c": -3.0})]
    assert columns_of(samples)[0] == "a"
    rows = log_rows(samples, ("a", "b", "c"))
    assert rows.tolist() == [[-0.1, -2.0, -2.0], [-0.2, -3.0, -3.0]]


@pytest.mark.parametrize(
    ("change", "count", "answer"),
    [(0.0, 40, "same"), (0.3, 40, "different"), (0.3, 10, "not told")],
    ids=["same weights", "other weights", "too few answers"],
)
def test_two_endpoints_are_compared(change: float, count: int, answer: str) -> None:
    random = np.random.default_rng(5)
    first, second = log_source("batching", random), log_source("batching", random, change)
    assert compare("logprobs", first(count), second(count), random).answer == answer


@pytest.mark.parametrize(
    ("text", "word"), [("Blue.", "blue"), (" **17** is it", "17"), ("", ""), ("x" * 99, "x" * 24)]
)
def test_an_answer_is_its_first_word(text: str, word: str) -> None:
    assert word_of(text) == word


def test_a_word_that_was_never_seen_has_a_column_of_its_own() -> None:
    known = (Word(0, "7"), Word(1, "red"))
    assert word_rows([Word(0, "7"), Word(1, "7")], known).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
