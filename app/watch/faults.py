"""Faults of a whole endpoint, and of Muster's own network: what a look says about models not asked.

No connection, no trust, a refused key and a used-up quota count for all models of an endpoint, and so does an
error of its server that its list of models meets too. The fault that one model met is repeated by another
one, where there is one, so that what is only true of the first takes nobody else down. While a fault stands,
one model, the canary, is asked for all of them.

Pure, like `judgement`: times are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from app.watch.judgement import FIRST_REPEAT_S, REPEAT_S, Look, Rules

UNREACHABLE = frozenset({"endpoint_unreachable", "tls_error", "egress_denied"})
OF_THE_KEY = frozenset({"invalid_credentials", "quota_exhausted"})
ENDPOINT_WIDE = UNREACHABLE | OF_THE_KEY
"""The codes that count for all models of an endpoint."""
_OF_A_SERVER = frozenset({"endpoint_error", "model_unavailable", "timeout"})
"""Codes that do so where the list of models failed like this too, as behind a proxy whose server is gone."""

CANARY_S = 40
"""Seconds between looks while a fault stands: with two calls a look, three calls a minute."""

_REPEATS = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, or in doubt, with an endpoint: the models that met it, and whether it is confirmed."""

    code: str
    message: str
    began: datetime
    failures: int = 0
    refusals: int = 0
    good: int = 0
    witnesses: tuple[str, ...] = ()
    confirmed: bool = False


Told = Literal["doubt", "confirmed", "standing", "own", "recovering", "recovered", "nothing"]
"""What a look tells of its endpoint; "own": an endpoint-wide code, but others were just answered."""


def learn(fault: Fault | None, model: str, look: Look, rules: Rules) -> tuple[Fault | None, Told]:
    """The fault after a look at one of the endpoint's models, and what that means."""
    if look.result == "untold":
        return fault, "nothing"
    if is_endpoint_wide(look):
        return _met(fault, model, look, rules)
    if fault is None:
        return None, "nothing"
    return _answered(fault)


def is_endpoint_wide(look: Look) -> bool:
    """Whether what a look met counts for all models of its endpoint, until another model is answered."""
    return look.code in ENDPOINT_WIDE or (look.of_all and look.code in _OF_A_SERVER)


def _met(fault: Fault | None, model: str, look: Look, rules: Rules) -> tuple[Fault, Told]:
    fault = fault or Fault(look.code, look.message, look.at)
    met = replace(
        fault,
        code=look.code,
        message=look.message,
        failures=fault.failures + 1,
        refusals=fault.refusals + 1 if look.code in OF_THE_KEY else 0,
        good=0,
        witnesses=tuple(dict.fromkeys((*fault.witnesses, model))),
    )
    enough = met.failures >= rules.failures or met.refusals >= min(_REPEATS, rules.failures)
    if fault.confirmed:
        return met, "standing"
    return (replace(met, confirmed=True), "confirmed") if enough else (met, "doubt")


def _answered(fault: Fault) -> tuple[Fault | None, Told]:
    if not fault.confirmed:
        return None, "own"
    if fault.good + 1 >= _REPEATS:
        return None, "recovered"
    return replace(fault, good=fault.good + 1), "recovering"


def in_doubt_again(fault: Fault) -> Fault:
    """The same fault before it is confirmed: one more repeat is wanted."""
    return replace(fault, confirmed=False)


def wait_s(fault: Fault, rules: Rules) -> int:
    """Seconds until the canary is asked again."""
    if fault.confirmed:
        wanted = FIRST_REPEAT_S if fault.good else CANARY_S
    else:
        wanted = FIRST_REPEAT_S if fault.failures <= 1 else REPEAT_S
    return min(wanted, rules.every_s)


def next_witness(fault: Fault, models: Sequence[str]) -> str | None:
    """Which model is asked next: in doubt one that was not asked yet, else the first that met it."""
    if not models:
        return None
    if not fault.confirmed:
        fresh = (model for model in models if model not in fault.witnesses)
        return next(fresh, models[0])
    met = (model for model in fault.witnesses if model in models)
    return next(met, models[0])


@dataclass(frozen=True, slots=True)
class Contact:
    """When an endpoint was last reached, whatever it answered, and when it last was not."""

    endpoint: str
    host: str
    reached: datetime | None
    unreached: datetime | None


Whose = Literal["theirs", "ours", "unclear"]
_HOSTS = 3


def whose(contacts: Iterable[Contact], since: datetime) -> Whose:
    """Whose trouble it is that an endpoint can't be reached since `since`.

    "ours": of three or more hosts none was reached since then, and each was tried. "unclear": some were not
    tried yet.
    """
    known = list(contacts)
    if len({contact.host for contact in known}) < _HOSTS:
        return "theirs"
    if any(contact.reached and contact.reached >= since for contact in known):
        return "theirs"
    tried = {c.host for c in known if c.unreached and c.unreached >= since}
    return "ours" if tried == {contact.host for contact in known} else "unclear"


def untried(contacts: Iterable[Contact], since: datetime) -> list[str]:
    """The endpoints, one a host, that were neither reached nor tried since `since`."""
    known = list(contacts)
    heard = {c.host for c in known if any(at is not None and at >= since for at in (c.reached, c.unreached))}
    return list({c.host: c.endpoint for c in known if c.host not in heard}.values())
