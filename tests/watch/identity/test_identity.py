"""A change is seen soon, and no change is cried over: on sources that behave as endpoints do."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from app.watch.identity.comparison import compare_logprobs, compare_words, unlikeness
from app.watch.identity.distance import Apart, apart, distance
from app.watch.identity.learned import learn
from app.watch.identity.samples import LogProbs, Rows, Word, columns_of, log_rows, word_of, word_rows
from app.watch.identity.sequence import followed, suspicion
from tests.watch.identity.simulated import alarms_in_a_year, swap_seen, word_alarms, words_swap_seen
from tests.watch.identity.sources import NOISES, Noise, a_model, changed, log_source


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("every_s", [300, 3600])
def test_nothing_is_cried_over_nothing(noise: Noise, every_s: int) -> None:
    """At most one alarm a model and year is allowed, and `tests.bench identity` looks at two thousand."""
    assert sum(alarms_in_a_year(noise, seed, every_s) for seed in range(2)) == 0


@pytest.mark.parametrize("noise", NOISES)
def test_another_model_shows_within_fifty_checks(noise: Noise) -> None:
    seen = [swap_seen(noise, seed, change=0.1) for seed in range(10)]
    assert all(0 < checks <= 50 for checks in seen)


def test_two_clouds_are_two_clouds() -> None:
    """One of two replicas answers alone for a day, which did not happen while they were learned."""
    random = np.random.default_rng(4)
    clouds = np.where(np.arange(288) % 2, 0.5, -0.5)[:, None] * np.linspace(-1, 1, 20)
    baseline = clouds + random.normal(0, 0.01, (288, 20))
    learned = learn("logprobs", baseline, 10)
    alone = baseline[1::2][:10]
    assert learned.fits(alone.mean(axis=0))
    assert not learned.fits((alone + 0.1).mean(axis=0))


def test_a_replica_that_the_first_day_did_not_meet_is_news_twice() -> None:
    """In this year one of two replicas answers all of the first day, and the other every few hours later."""
    assert 1 <= alarms_in_a_year("two replicas", seed=29, years=0.25) <= 3


def test_the_busiest_day_is_busier_than_the_first() -> None:
    days = [alarms_in_a_year("drift of load", seed, years=0.1) for seed in range(12)]
    assert sum(days) == 0


@pytest.mark.parametrize("even", [0.1, 0.3])
def test_words_show_another_model_within_three_hundred_checks(even: float) -> None:
    assert all(0 < words_swap_seen(seed, even, most=300) <= 300 for seed in range(4))


def test_words_that_are_new_to_a_window_are_no_alarm() -> None:
    """Of many names most windows hold some that the baseline does not."""
    assert word_alarms(seed=1, even=1.0, years=0.05) == 0


def test_one_strange_window_is_no_alarm() -> None:
    found = Apart(1.0, 0.001)
    assert followed([], found, 3) == [found]
    assert followed([found, found], None, 3) == []
    assert followed([found, found], found, 3) == [found] * 3


def test_a_window_within_the_noise_costs_no_permutations() -> None:
    random = np.random.default_rng(2)
    baseline = random.normal(size=(288, 20))
    learned = learn("logprobs", baseline, 10)

    def both() -> tuple[Rows, Rows]:
        raise AssertionError("the baseline was read")

    assert suspicion(learned, baseline[:10], both, random) is None
    with pytest.raises(AssertionError):
        suspicion(learned, baseline[:10] + 5, both, random)


def test_p_is_honest() -> None:
    """Of two halves of the same source, p is at most 5 % in about 5 % of the draws."""
    random = np.random.default_rng(3)
    ps = [
        apart("logprobs", random.normal(size=(40, 5)), random.normal(size=(10, 5)), random, 199).p
        for _ in range(300)
    ]
    assert 0.02 <= np.mean(np.array(ps) <= 0.05) <= 0.09


def test_the_distance_is_that_of_the_means() -> None:
    first, second = np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([[1.0, 2.0]])
    assert (distance("logprobs", first, second), distance("words", first, second)) == (0.5, 0.5)
    assert distance("words", np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.5, 0.5]])) == 1.0


def test_a_token_outside_of_the_top_counts_as_its_lowest() -> None:
    samples = [LogProbs({"a": -0.1, "b": -2.0}), LogProbs({"a": -0.2, "c": -3.0})]
    assert columns_of(samples)[0] == "a"
    rows = log_rows(samples, ("a", "b", "c"))
    assert rows.tolist() == [[-0.1, -2.0, -2.0], [-0.2, -3.0, -3.0]]


@pytest.mark.parametrize(
    ("change", "noise", "count", "answer"),
    [
        (0.0, "batching", 24, "same"),
        (0.3, "batching", 24, "different"),
        (0.3, "batching", 10, "not told"),
        (0.03, "batching", 24, "not told"),
    ],
    ids=["same weights", "other weights", "too few answers", "as other hardware does"],
)
def test_two_endpoints_are_compared(change: float, noise: Noise, count: int, answer: str) -> None:
    random = np.random.default_rng(5)
    model = a_model(random)
    first = log_source(noise, random, model)(count)
    second = log_source(noise, random, changed(model, random, change))(count)
    found = compare_logprobs(first, second, random)
    assert found.answer == answer, found
    assert found.at_most is None or found.at_most >= found.distance


def words_of(random: np.random.Generator, shares: NDArray[np.float64], count: int) -> list[Word]:
    """Answers to the prompts in turn, by a distribution for each."""
    chosen = [str(random.choice(len(shares[at % 4]), p=shares[at % 4])) for at in range(count)]
    return [Word(at % 4, word) for at, word in enumerate(chosen)]


@pytest.mark.parametrize(
    ("other", "count", "answer"),
    [(False, 240, "same"), (True, 240, "different"), (False, 100, "not told")],
    ids=["same weights", "other weights", "too few answers"],
)
def test_two_endpoints_are_compared_by_words(other: bool, count: int, answer: str) -> None:
    told: list[str] = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        shares, others = (random.dirichlet(np.full(40, 0.1), 4) for _ in range(2))
        second = words_of(random, others if other else shares, count)
        told.append(compare_words(words_of(random, shares, count), second, random).answer)
    assert told.count(answer) >= 7 and set(told) <= {answer, "not told"}


def test_unlikeness_is_without_bias_and_ends_at_one() -> None:
    random = np.random.default_rng(6)
    shares = np.full((4, 40), 1 / 40)
    found = [unlikeness(*(Counter(words_of(random, shares, 80)) for _ in range(2))) for _ in range(40)]
    assert abs(float(np.mean(found))) < 0.1 and min(found) < 0
    assert unlikeness(Counter([Word(0, "a")] * 3), Counter([Word(0, "b")] * 3)) == 1.0


@pytest.mark.parametrize(
    ("text", "word"), [("Blue.", "blue"), (" **17** is it", "17"), ("", ""), ("x" * 99, "x" * 24)]
)
def test_an_answer_is_its_first_word(text: str, word: str) -> None:
    assert word_of(text) == word


def test_a_word_that_was_never_seen_has_a_column_of_its_own() -> None:
    known = (Word(0, "7"), Word(1, "red"))
    assert word_rows([Word(0, "7"), Word(1, "7")], known).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
