"""Passwords: long enough, not among the first that are tried, and nothing more."""

from __future__ import annotations

import sys
import time

import pytest
from argon2 import PasswordHasher

from app.access import passwords
from app.access.passwords import COMMON, RULE
from tests import quick_start
from tests.conftest import PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "x" * 7 + "quite ordinary",
        "fünf wörter ohne mühe",
        "🎈" * 3 + " over the river",
        "a" + "7Kq-" * 255,
    ],
)
def test_any_characters_will_do(password: str) -> None:
    assert passwords.problem(password) == ""


@pytest.mark.parametrize(("length", "wrong"), [(14, RULE), (15, ""), (1024, ""), (1025, RULE)])
def test_length_is_what_counts(length: int, wrong: str) -> None:
    password = ("plum orbit socket tiger " * 50)[:length]
    assert passwords.problem(password) == wrong


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "passwordpassword",
        "qwertyuiopasdfgh",
        "123456789012345",
        "aaaaaaaaaaaaaaaaaaaa",
        "iloveyouiloveyou",
        "muster1234567890",
        "jane.doe@example.com",
        "jane.doejane.doe",
    ],
)
def test_what_is_tried_first_is_not_taken(password: str) -> None:
    assert passwords.problem(password, "jane.doe@example.com") == COMMON


def test_the_same_letters_typed_another_way_fit() -> None:
    known = passwords.hashed("cafe\u0301 au lait, deux fois")
    assert passwords.fits(known, "caf\u00e9 au lait, deux fois")
    assert not passwords.fits(known, "cafe au lait, deux fois")


def test_a_hash_of_before_normalising_still_fits() -> None:
    typed = "cafe\u0301 au lait, deux fois"
    assert passwords.fits(PasswordHasher().hash(typed), typed)


def test_a_password_that_was_made_can_be_taken() -> None:
    assert passwords.problem(passwords.made()) == ""


@pytest.mark.parametrize("typed", ["", "x" * 100_000, "\ud800", "wrong"])
def test_nothing_odd_fits_or_breaks(typed: str) -> None:
    assert not passwords.fits(passwords.decoy(), typed)


@pytest.mark.parametrize(
    "unit", ["4@8({[<369!1|70$5+7%2", "(a{b[c<d!e|f$g+h", "4@(<69!|$5+7", "aA4@eE3sS5$oO0iI1!lL|"]
)
def test_judging_a_password_never_takes_long(unit: str) -> None:
    """Whoever is signed in may send one, and the server does nothing else meanwhile."""
    before = time.process_time()
    passwords.problem((unit * 100)[: passwords.LONGEST])
    assert time.process_time() - before < 3


def test_a_common_password_in_other_signs_is_not_taken() -> None:
    assert passwords.problem("p@$$w0rdp@$$w0rd") == COMMON


def test_the_program_hashes_with_the_effort_that_is_recommended() -> None:
    """RFC 9106, 4: the second choice, for where memory is short. The tests themselves hash with less."""
    script = "import sys; from app.access import passwords; print(passwords.hashed(sys.argv[1]))"
    said = quick_start.run([sys.executable, "-c", script, PASSWORD], capture_output=True, text=True).stdout
    assert said.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
