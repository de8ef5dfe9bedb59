"""What a password must be, and how it is kept.

By NIST SP 800-63B-4, 3.1.1.2: at least 15 characters where it is the only factor, any characters, no rules
about which kinds of them, and none that is common or expected. What is common tells the library zxcvbn, which
knows lists of leaked passwords, names and words, rows of keys, dates and repetitions.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from functools import cache
from math import prod

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn
from zxcvbn.matching import L33T_TABLE

from app.access.actors import AccessError

SHORTEST, LONGEST = 15, 1024
RULE = f"A password needs {SHORTEST} to {LONGEST:,} characters."
COMMON = "This password is among those that are tried first. Take some words that do not belong together."
# zxcvbn's own scale: 0 and 1 fall to fewer than a million guesses.
_GUESSABLE = 1
_JUDGED = 72
_WAYS = 16
"""In so many ways zxcvbn may read signs as letters: it tries all of them, and 576 take it ten seconds."""
_SIGN = re.compile(r"[^\w\s]")
hasher = PasswordHasher()
"""Argon2id with the effort that RFC 9106 recommends; the tests put one of little effort in its place."""


class PasswordError(AccessError):
    """A new password can't be taken; the text is one sentence for who chose it."""


def hashed(password: str, email: str = "") -> str:
    """The Argon2id hash of a new password; PasswordError where it can't be taken."""
    wrong = problem(password, email)
    if wrong:
        raise PasswordError(wrong)
    return hasher.hash(_normal(password))


def problem(password: str, email: str = "") -> str:
    """Why a new password can't be taken, "" where it can; `email` is of the person who shall have it."""
    if not SHORTEST <= len(password) <= LONGEST:
        return RULE
    expected = ["muster", email, *email.split("@")]
    judged = zxcvbn(_judged(password), user_inputs=[word for word in expected if word])
    return COMMON if judged["score"] <= _GUESSABLE else ""


def _judged(password: str) -> str:
    """The part of a password that zxcvbn is asked about; without its signs where too many may be letters."""
    start = password[:_JUDGED]
    ways = prod(max(1, sum(sign in start for sign in signs)) for signs in L33T_TABLE.values())
    return start if ways <= _WAYS else _SIGN.sub("", start)


def made() -> str:
    """A password for a person to type: five groups of letters and digits that can't be mistaken, 125 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(5))


def fits(known_hash: str, password: str) -> bool:
    """Whether a password is the one of this hash."""
    typed = password[: LONGEST + 1]
    # Older hashes were made of what was typed, without normalising it.
    return any(_verified(known_hash, text) for text in dict.fromkeys((_normal(typed), typed)))


def renewed(known_hash: str, password: str) -> str:
    """The hash to keep for a password that fits: a new one where hashes are made with more effort now."""
    return hasher.hash(_normal(password)) if hasher.check_needs_rehash(known_hash) else known_hash


@cache
def decoy() -> str:
    """A hash that no password fits."""
    return hasher.hash(secrets.token_urlsafe(16))


def _normal(password: str) -> str:
    """The same text however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def _verified(known_hash: str, password: str) -> bool:
    try:
        return hasher.verify(known_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
