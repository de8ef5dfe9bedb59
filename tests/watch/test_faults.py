"""Faults of an endpoint: a line of looks as `model:letter`, and what each of them tells.

`c` no connection, `k` a refused key, `.` a good look, `x` another failure, `?` limited,
`s` an error of the server which its list of models met too, `t` one that the list did not meet.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.watch.faults import Contact, Fault, Whose, learn, next_witness, untried, wait_s, whose
from app.watch.judgement import Look, Result, Rules

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS: dict[str, tuple[Result, str]] = {
    "c": ("failed", "endpoint_unreachable"),
    "k": ("refused", "invalid_credentials"),
    "x": ("failed", "timeout"),
    "s": ("failed", "endpoint_error"),
    "t": ("failed", "endpoint_error"),
    "?": ("untold", "rate_limited"),
    ".": ("good", ""),
}
STANDING = Fault("endpoint_unreachable", "No.", NOON, failures=3, witnesses=("a",), confirmed=True)


def look(kind: str, at: datetime = NOON) -> Look:
    """A look of one of the kinds."""
    result, code = KINDS[kind]
    return Look(at=at, result=result, code=code, message="No." if code else "", of_all=kind == "s")


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ("a:.", ["nothing"]),
        ("a:x a:x a:x", ["nothing"] * 3),  # a fault of the model alone
        ("a:c b:c c:c", ["doubt", "doubt", "confirmed"]),
        ("a:c a:c a:c", ["doubt", "doubt", "confirmed"]),
        ("a:s b:s c:s", ["doubt", "doubt", "confirmed"]),
        ("a:s b:t", ["doubt", "own"]),  # the list works: each model is asked for itself
        ("a:k b:k", ["doubt", "confirmed"]),  # a refused key is repeated once
        ("a:k b:.", ["doubt", "own"]),  # the key is good for another model
        ("a:c b:x", ["doubt", "own"]),  # who answers can be reached
        ("a:c b:? b:c c:c", ["doubt", "nothing", "doubt", "confirmed"]),
        ("a:c a:c a:c a:c a:. a:.", ["doubt", "doubt", "confirmed", "standing", "recovering", "recovered"]),
        (
            "a:k b:k a:. a:k a:. a:.",
            ["doubt", "confirmed", "recovering", "standing", "recovering", "recovered"],
        ),
    ],
)
def test_what_a_look_tells_of_its_endpoint(looks: str, told: list[str]) -> None:
    fault: Fault | None = None
    seen = []
    for one in looks.split():
        model, kind = one.split(":")
        fault, said = learn(fault, model, look(kind), Rules())
        seen.append(said)
    assert seen == told


def test_the_repeat_is_asked_of_another_model() -> None:
    fault, _ = learn(None, "b", look("k"), Rules())
    assert fault is not None
    assert next_witness(fault, ["a", "b", "c"]) == "a"
    assert next_witness(fault, ["b"]) == "b"
    assert next_witness(fault, []) is None


def test_the_canary_stays_the_same() -> None:
    assert next_witness(STANDING, ["b", "a"]) == "a"


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault("endpoint_unreachable", "", NOON, failures=1), 30),
        (Fault("endpoint_unreachable", "", NOON, failures=2), 60),
        (STANDING, 40),
        (Fault("endpoint_unreachable", "", NOON, failures=3, good=1, confirmed=True), 30),
    ],
)
def test_when_the_canary_is_asked(fault: Fault, seconds: int) -> None:
    assert wait_s(fault, Rules()) == seconds


BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)


def contact(host: str, reached: datetime | None, unreached: datetime | None) -> Contact:
    """An endpoint at a host of its own."""
    return Contact(f"at {host}", host, reached, unreached)


@pytest.mark.parametrize(
    ("contacts", "verdict"),
    [
        ([("a", BEFORE, AFTER), ("b", BEFORE, AFTER)], "theirs"),  # two hosts are too few to tell
        ([("a", BEFORE, AFTER), ("b", BEFORE, AFTER), ("c", BEFORE, AFTER)], "ours"),
        ([("a", None, AFTER), ("b", None, AFTER), ("c", None, AFTER)], "ours"),
        ([("a", BEFORE, AFTER), ("b", BEFORE, AFTER), ("c", AFTER, BEFORE)], "theirs"),
        ([("a", BEFORE, AFTER), ("b", BEFORE, AFTER), ("c", BEFORE, BEFORE)], "unclear"),
        ([("a", BEFORE, AFTER), ("a", BEFORE, AFTER), ("b", BEFORE, AFTER)], "theirs"),
    ],
)
def test_whose_network_it_is(
    contacts: list[tuple[str, datetime | None, datetime | None]], verdict: Whose
) -> None:
    assert whose([contact(*one) for one in contacts], NOON) == verdict


def test_who_is_to_be_tried() -> None:
    contacts = [contact("a", BEFORE, AFTER), contact("b", BEFORE, None), contact("c", AFTER, None)]
    assert untried(contacts, NOON) == ["at b"]
