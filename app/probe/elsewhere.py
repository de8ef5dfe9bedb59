"""Where a refused call would have worked: another base URL, another model type, another model id.

A missing route says "wrong path" and "wrong type" in the same words, so the probe looks: at the base itself
with the routes of chat and embedding, with an id that the catalog lists, and at the bases that may have been
meant.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from app.probe import chat, embedding
from app.probe.base import Base, candidates
from app.probe.catalog import Catalog, metadata_of
from app.probe.conversation import Run
from app.probe.diagnosis import FINAL
from app.probe.negotiation import Shape
from app.probe.proof import Outcome, Proof, prove

_TRIES = 20
_TRY_S = 15.0
_CROSS: Mapping[str, Proof] = {"chat": chat.PROOF, "embedding": embedding.PROOF}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the look around found; each is None where it found nothing."""

    base: Base | None = None
    """A base at which the API answers; `proven` says whether the model itself worked there."""
    proven: bool = False
    model_type: str | None = None
    model_works: str | None = None
    """A listed model that works on this very route: the path and the type are right, the id is not."""


def look_around(run: Run, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog) -> Elsewhere:
    """Gather what tells a wrong path from a wrong type from a wrong id, within the probe's own limits."""
    until = min(run.deadline, time.monotonic() + _TRY_S * 2)
    if catalog.there and catalog.listed(run.endpoint.model_id) is False:
        works = _listed_model_works(run, proof, catalog, until)
        if works:
            return Elsewhere(model_works=works)
    other = other_type(run, type_name, catalog, until)
    if other:
        return Elsewhere(model_type=other)
    found = _other_base(run, proof, until)
    return found or Elsewhere()


def other_type(run: Run, type_name: str, catalog: Catalog, until: float | None = None) -> str | None:
    """The type that the model is instead: as the catalog states it, else as chat or embedding proves it."""
    stated = metadata_of(catalog.find(run.endpoint.model_id)).get("type")
    if isinstance(stated, str) and stated != type_name:
        return stated
    until = min(run.deadline, until or time.monotonic() + _TRY_S)
    for name, proof in _CROSS.items():
        if name != type_name and prove(run, proof, shape=Shape(), until=until, calls=3).shown:
            return name
    return None


def _listed_model_works(run: Run, proof: Proof, catalog: Catalog, until: float) -> str | None:
    for name in catalog.closest(run.endpoint.model_id, 1) or catalog.ids[:1]:
        if prove(run, proof, model=name, shape=Shape(), until=until, calls=2).shown:
            return name
    return None


def _other_base(run: Run, proof: Proof, until: float) -> Elsewhere | None:
    bases = list(islice(candidates(run.base), _TRIES))
    if run.base.scheme == "http":
        bases.append(replace(run.base, scheme="https"))
    with ThreadPoolExecutor(min(len(bases), run.limits.calls_at_once)) as pool:
        tries = list(pool.map(lambda base: _try(run, proof, base, until), bases))
    for base, outcome in zip(bases, tries, strict=True):
        if outcome.shown:
            return Elsewhere(base=base, proven=True)
    for base, outcome in zip(bases, tries, strict=True):
        if outcome.judgement.meaning in FINAL and outcome.judgement.by_words and outcome.said.is_json:
            return Elsewhere(base=base)
    return None


def _try(run: Run, proof: Proof, base: Base, until: float) -> Outcome:
    return prove(run, proof, base=base, shape=Shape(), until=until, calls=3)


def https_of(run: Run, proof: Proof) -> Base | None:
    """The https form of an http base, where the API answers there."""
    base = replace(run.base, scheme="https")
    outcome = _try(run, proof, base, min(run.deadline, time.monotonic() + _TRY_S))
    answered = (
        outcome.shown or outcome.answer.status is not None and outcome.judgement.meaning != "tls_wanted"
    )
    return base if answered else None
