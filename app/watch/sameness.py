"""Whether a watched model is still the same one: what its checks ask, what is kept of them, what follows.

Nothing commits. The statistics are pure functions of `identity`; this is where they meet the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

import numpy as np

from app.probe.values import Sample, Sampling
from app.registry.document import rfc3339
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch.identity import kept, noting, samples, sequence, vectors
from app.watch.identity.distance import Apart
from app.watch.identity.learned import Learned, learn
from app.watch.identity.samples import TOKENS, Rows
from app.watch.sampling import (
    FEWER_TOKENS,
    Kind,
    Payload,
    columns_for,
    kind_of,
    needed_for_baseline,
    payload_of,
    rows_in,
    rows_of,
    sampling_of,
    window_of,
)

_MISSES = 3
"""Checks in a row without a sample, after which something else is asked."""


class Judged(NamedTuple):
    """A window beside the baseline. `fits` is None where it does not, but others have to say so too."""

    fits: bool | None
    distance: float | None = None
    p: float | None = None


def asked_of(model: RegisteredModel, row: ModelIdentity | None) -> Sampling | None:
    """What the next health check of a model asks, None where nothing can be compared; `row` is what is known
    of it so far.
    """
    if row is None or row.place != place_of(model):
        kind = kind_of(model.model_type, model.capabilities or {})
        return sampling_of(kind, 0) if kind else None
    if row.state == "not watched":
        return None
    return sampling_of(cast(Kind, row.kind), row.asked, row.forms.get("tops", TOKENS))


def take(
    health: ModelHealth,
    model: RegisteredModel,
    known: ModelIdentity | None,
    sample: Sample | None,
    now: datetime,
) -> bool:
    """Keep what a good check told, and judge where a window is full; gives whether answers differ now.

    `known` is None before the first check, `sample` where the answer held nothing to compare.
    """
    row = _row_of(model, known)
    if row is None or row.state == "not watched":
        return False
    kind, turn = cast(Kind, row.kind), row.asked
    row.asked += 1
    payload = payload_of(kind, sample, turn, row.anchor) if sample else None
    if sample is None or payload is None or row.forms.get("form", sample.form) != sample.form:
        _miss(row, health, sample if payload is not None else None, now)
        return False
    noting.note(row, health, sample, turn, now)
    row.misses = 0
    if row.sampled_at is not None and now - row.sampled_at < sequence.SPACED:
        return False
    row.sampled_at, row.samples = now, row.samples + 1
    row.anchor = row.anchor or (list(sample.vector) if kind == "vectors" else None)
    kept.keep(row, payload, now)
    if row.state == "learning":
        _learn(row, now)
        return False
    if row.samples % window_of(kind):
        return False
    return _follow(row, health, model, _judged(row, payload, now), now)


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


def _row_of(model: RegisteredModel, known: ModelIdentity | None) -> ModelIdentity | None:
    place = place_of(model)
    if known is not None and known.place == place:
        return known
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
    row.suspicions, row.anchor, row.learned, row.tokens = [], None, None, None
    row.baseline_since = row.differs_since = row.noise = row.distance = row.p = None


def _miss(row: ModelIdentity, health: ModelHealth, sample: Sample | None, now: datetime) -> None:
    """A check without a sample, or (`sample`) with one that was asked for in another form."""
    row.misses += 1
    if row.misses < _MISSES:
        return
    kind, before = cast(Kind, row.kind), row.forms.get("form", "")
    if sample is not None:
        noting.tell(health, "sampling", before, sample.form, now)
        _begin_anew(row, kind, form=sample.form)
    elif kind == "logprobs" and row.state == "learning" and row.forms.get("tops", TOKENS) == TOKENS:
        row.forms = {"tops": FEWER_TOKENS}
        _begin_anew(row, kind)
    elif kind == "logprobs":
        if row.state != "learning":
            noting.tell(health, "logprobs", True, False, now)
        row.forms = {}
        _begin_anew(row, "words")
    else:
        _begin_anew(row, kind)
        row.state = "not watched"


def _learn(row: ModelIdentity, now: datetime) -> None:
    kind = cast(Kind, row.kind)
    row.baseline_since = row.baseline_since or now
    if row.samples < needed_for_baseline(kind):
        return
    db.session.flush()
    ModelSample.make_baseline(row.model_pk)
    if kind == "vectors":
        distances, digests = zip(*kept.baseline_of(row), strict=True)
        row.noise, row.learned = vectors.noise_of(distances), {"digests": sorted({*digests} - {""})}
    else:
        _keep_learned(row, kind)
    row.state, row.samples = "same", 0


def _keep_learned(row: ModelIdentity, kind: samples.Kind) -> None:
    baseline = kept.baseline_of(row)
    columns = columns_for(kind, baseline)
    found = learn(kind, rows_in(kind, columns, baseline), window_of(kind))
    row.noise = found.noise
    row.learned = {"columns": columns, "ends": np.round(found.ends, 6).tolist()}


def learned_of(row: ModelIdentity) -> tuple[Learned, Sequence[Payload]]:
    """What a model's windows are compared with, and the names of its columns. Made anew where it is not kept:
    a baseline of an earlier version."""
    kind = cast(samples.Kind, row.kind)
    if row.learned is None:
        _keep_learned(row, kind)
    known = row.learned or {}
    strays = [np.array(one, float) for one in known.get("strays", [])]
    return Learned(kind, np.array(known["ends"], float), row.noise or 0.0, strays), known["columns"]


def _keep_stray(row: ModelIdentity) -> None:
    """Answers that differed went away again: where they lay is remembered."""
    known = dict(row.learned or {})
    stray = known.pop("stray", None)
    if stray is not None:
        learned, _ = learned_of(row)
        row.learned = known | {"strays": [one.tolist() for one in learned.strayed(np.array(stray)).strays]}


def _judged(row: ModelIdentity, payload: Payload, now: datetime) -> Judged:
    if row.kind == "vectors":
        far, digest = payload
        return _judged_vector(row, far, digest, now)
    db.session.flush()
    kind = cast(samples.Kind, row.kind)
    plan, (learned, columns) = sequence.PLANS[kind], learned_of(row)
    newest = kept.newest_of(row, plan.window)
    window = rows_in(kind, columns, newest)

    def both() -> tuple[Rows, Rows]:
        baseline, beside = rows_of(kind, kept.baseline_of(row), newest)
        return baseline, beside

    suspicious = sequence.suspicion(learned, window, both, np.random.default_rng())
    ModelSample.keep_newest(row.model_pk, (plan.in_a_row + 1) * plan.window)
    mean = window.mean(axis=0)
    judged = _counted(row, suspicious, float(learned.far(mean)), plan.in_a_row)
    if judged.fits is False and row.state != "differs":
        row.learned = (row.learned or {}) | {"stray": np.round(mean, 6).tolist()}
    return judged


def _judged_vector(row: ModelIdentity, far: float, digest: str, now: datetime) -> Judged:
    """The distance decides. A digest that was not there before is only noted: noise makes new ones too."""
    db.session.flush()
    ModelSample.keep_newest(row.model_pk, vectors.LEARNED)
    known = row.learned or {}
    if digest not in known.get("digests", [digest]) and "others_since" not in known:
        row.learned = known | {"others_since": rfc3339(now)}
    found = Apart(far, 0.0) if vectors.differs(far, row.noise or 0.0) else None
    return _counted(row, found, far, vectors.IN_A_ROW)


def _counted(row: ModelIdentity, found: Apart | None, far: float, in_a_row: int) -> Judged:
    before = [Apart(*one) for one in row.suspicions]
    after = sequence.followed(before, found, in_a_row)
    row.suspicions = [list(one) for one in after]
    if found is None:
        return Judged(True, far)
    if len(after) < in_a_row:
        return Judged(None, far, found.p)
    return Judged(False, min(one.distance for one in after), max(one.p for one in after))


def _follow(
    row: ModelIdentity, health: ModelHealth, model: RegisteredModel, judged: Judged, now: datetime
) -> bool:
    row.distance, row.p = judged.distance, judged.p if row.kind != "vectors" else None
    if judged.fits and row.state == "differs":
        row.state, row.differs_since = "same", None
        _keep_stray(row)
        noting.tell(health, "answers", "different", "as before", now)
    if judged.fits is not False or row.state == "differs":
        return False
    row.state, row.differs_since = "differs", now
    noting.tell_of_difference(row, health, model, now)
    return True
