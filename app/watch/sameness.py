"""Whether a watched model is still the same one: what its checks ask, what is kept of them, what follows.

Nothing commits. The statistics are pure functions of `identity`; this is where they meet the database.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple, cast

import numpy as np

from app.probe.values import Sample, Sampling
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch.identity import sequence, vectors
from app.watch.identity.distance import Apart, distance
from app.watch.identity.samples import TOKENS
from app.watch.sampling import (
    FEWER_TOKENS,
    UNITS,
    Kind,
    Payload,
    kind_of,
    needed_for_baseline,
    payload_of,
    rows_of,
    sampling_of,
    window_of,
)
from app.watch.states import tell_of_model

_MISSES = 3
"""Checks in a row without a sample, after which something else is asked."""
_NAMES_KEPT = 16
DIFFER = "Answers differ from before"


class Judged(NamedTuple):
    """A window beside the baseline. `fits` is None where it does not, but others have to say so too."""

    fits: bool | None
    distance: float | None = None
    p: float | None = None


def asked_of(model: RegisteredModel) -> Sampling | None:
    """What the next health check of a model asks, None where nothing can be compared."""
    row = ModelIdentity.by_id(model.id)
    if row is None or row.place != place_of(model):
        kind = kind_of(model.model_type, model.capabilities or {})
        return sampling_of(kind, 0) if kind else None
    if row.state == "not watched":
        return None
    return sampling_of(cast(Kind, row.kind), row.asked, row.forms.get("tops", TOKENS))


def take(health: ModelHealth, model: RegisteredModel, sample: Sample | None, now: datetime) -> bool:
    """Keep what a good check told, and judge where a window is full; gives whether answers differ now.

    `sample` is None where the answer held nothing to compare.
    """
    row = _row_of(model)
    if row is None or row.state == "not watched":
        return False
    kind, turn = cast(Kind, row.kind), row.asked
    row.asked += 1
    payload = payload_of(kind, sample, turn, row.anchor) if sample else None
    if sample is None or payload is None or row.forms.get("form", sample.form) != sample.form:
        _miss(row, health, sample if payload is not None else None, now)
        return False
    _note_names(row, health, sample, now)
    row.misses, row.samples = 0, row.samples + 1
    row.anchor = row.anchor or (list(sample.vector) if kind == "vectors" else None)
    db.session.add(ModelSample(model_pk=model.id, kind=kind, at=now, payload=payload))
    if row.state == "learning":
        _learn(row, now)
        return False
    if row.samples % window_of(kind):
        return False
    return _follow(row, health, model, _judged(row, payload), now)


def confirm(model: RegisteredModel) -> None:
    """What answers now is right: all is learned anew."""
    row = ModelIdentity.by_id(model.id)
    if row is not None:
        db.session.delete(row)
    ModelSample.forget(model.id)
    db.session.flush()


def place_of(model: RegisteredModel) -> str:
    """Where a model is served and as what, as a digest: a person's change of it makes it another model."""
    parts = (model.base_url, model.remote_model_id or model.model_id, model.model_type)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _row_of(model: RegisteredModel) -> ModelIdentity | None:
    row, place = ModelIdentity.by_id(model.id), place_of(model)
    if row is not None and row.place == place:
        return row
    confirm(model)
    kind = kind_of(model.model_type, model.capabilities or {})
    if kind is None:
        return None
    row = ModelIdentity(model_pk=model.id, place=place, kind=kind, state="learning", forms={})
    row.samples = row.misses = row.asked = 0
    row.suspicions = []
    db.session.add(row)
    return row


def _begin_anew(row: ModelIdentity, kind: Kind, **forms: object) -> None:
    ModelSample.forget(row.model_pk)
    row.kind, row.state, row.forms = kind, "learning", row.forms | forms
    row.samples = row.misses = 0
    row.suspicions, row.anchor = [], None
    row.baseline_since = row.differs_since = row.noise = row.distance = row.p = None


def _miss(row: ModelIdentity, health: ModelHealth, sample: Sample | None, now: datetime) -> None:
    """A check without a sample, or (`sample`) with one that was asked for in another form."""
    row.misses += 1
    if row.misses < _MISSES:
        return
    kind, before = cast(Kind, row.kind), row.forms.get("form", "")
    if sample is not None:
        _tell_change(health, "sampling", before, sample.form, now)
        _begin_anew(row, kind, form=sample.form)
    elif kind == "logprobs" and row.state == "learning" and row.forms.get("tops", TOKENS) == TOKENS:
        row.forms = {"tops": FEWER_TOKENS}
        _begin_anew(row, kind)
    elif kind == "logprobs":
        if row.state != "learning":
            _tell_change(health, "logprobs", True, False, now)
        row.forms = {}
        _begin_anew(row, "words")
    else:
        _begin_anew(row, kind)
        row.state = "not watched"


def _note_names(row: ModelIdentity, health: ModelHealth, sample: Sample, now: datetime) -> None:
    """A name that the endpoint never gave before is told; it decides nothing, some have several in turn."""
    forms = dict(row.forms) | {"form": sample.form}
    for name, value in (("model", sample.model), ("system_fingerprint", sample.fingerprint)):
        known: list[str] = list(forms.get(name, []))
        if value and value not in known:
            if known and len(known) < _NAMES_KEPT:
                _tell_change(health, name, known[-1], value, now)
            forms[name] = [*known, value][:_NAMES_KEPT]
    if forms != row.forms:
        row.forms = forms


def _tell_change(health: ModelHealth, name: str, before: object, after: object, now: datetime) -> None:
    detail = {"name": name, "from": before, "to": after}
    FeedEvent.add("model", model_pk=health.model_pk, endpoint_id=health.endpoint_id, at=now, **detail)


def _learn(row: ModelIdentity, now: datetime) -> None:
    kind = cast(Kind, row.kind)
    row.baseline_since = row.baseline_since or now
    if row.samples < needed_for_baseline(kind):
        return
    db.session.flush()
    ModelSample.make_baseline(row.model_pk)
    baseline = ModelSample.baseline_of(row.model_pk)
    if kind == "vectors":
        row.noise = vectors.noise_of(baseline)
    else:
        row.noise = sequence.noise_of(rows_of(kind, baseline)[0], window_of(kind))
    row.state, row.samples = "same", 0


def _judged(row: ModelIdentity, payload: Payload) -> Judged:
    kind = cast(Kind, row.kind)
    if kind == "vectors":
        found = [Apart(payload, 0.0)] if vectors.differs(payload, row.noise or 0.0) else []
        return _counted(row, found, payload, None, vectors.IN_A_ROW)
    db.session.flush()
    plan = sequence.PLANS[kind]
    baseline = ModelSample.baseline_of(row.model_pk)
    rows, window = rows_of(kind, baseline, ModelSample.newest_of(row.model_pk, plan.window))
    followed = sequence.Sequence(plan, rows, np.random.default_rng())
    followed.take(window)
    found = followed.suspicions
    ModelSample.keep_newest(row.model_pk, (plan.in_a_row + 1) * plan.window)
    return _counted(row, found, distance(rows, window), found[0].p if found else None, plan.in_a_row)


def _counted(row: ModelIdentity, found: list[Apart], far: float, p: float | None, in_a_row: int) -> Judged:
    row.suspicions = [*row.suspicions, *(list(one) for one in found)][-in_a_row:] if found else []
    if not found:
        return Judged(True, far, p)
    if len(row.suspicions) < in_a_row:
        return Judged(None, far, p)
    return Judged(False, min(one[0] for one in row.suspicions), max(one[1] for one in row.suspicions))


def _follow(
    row: ModelIdentity, health: ModelHealth, model: RegisteredModel, judged: Judged, now: datetime
) -> bool:
    row.distance, row.p = judged.distance, judged.p if row.kind != "vectors" else None
    if judged.fits and row.state == "differs":
        row.state, row.differs_since = "same", None
        _tell_change(health, "answers", "different", "as before", now)
    if judged.fits is not False or row.state == "differs":
        return False
    row.state, row.differs_since = "differs", now
    _tell_of_difference(row, health, model, now)
    return True


def _tell_of_difference(
    row: ModelIdentity, health: ModelHealth, model: RegisteredModel, now: datetime
) -> None:
    detail = {
        "name": "answers",
        "from": "as before",
        "to": "different",
        "message": f"{DIFFER}.",
        "distance": row.distance,
        "noise": row.noise,
        "p": row.p,
        "samples": row.samples,
    }
    FeedEvent.add("model", model_pk=model.id, endpoint_id=health.endpoint_id, at=now, **detail)
    message = f"{DIFFER}: {size_in_words(row)}"
    tell_of_model("model.changed", health, model, now, code=None, message=message)


def size_in_words(row: ModelIdentity) -> str:
    """How far the answers are from the baseline, beside what is usual, and how likely by chance."""
    unit = UNITS[cast(Kind, row.kind)]
    far, usual = f"{row.distance or 0:.3g}", f"{row.noise or 0:.2g}"
    chance = "" if row.p is None else f", and chance explains each of three such windows with p ≤ {row.p:.3g}"
    return f"they lie {far} {unit} from the baseline, where {usual} is the most that was usual{chance}."
