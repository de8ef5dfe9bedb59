"""What a health check's sample costs: the processor time of all that the watch does with it, its rows in the
database included."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np

from app.factory import create_app
from app.probe.values import Sample
from app.store import database
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity
from app.watch import sameness
from app.watch.due.claims import adopt_new
from app.watch.identity import sequence
from tests.bench.measuring import Finding
from tests.migrated import put_sqlite
from tests.rows import a_model
from tests.watch.identity.sources import a_model as true_values
from tests.watch.identity.sources import log_source

CHECKS = 1000
LOGPROBS = {"logprobs": {"declared": None, "observed": True, "evidence": ""}}


def measure() -> Iterator[Finding]:
    """While a baseline is taken, and once windows are compared with it; SQLite, a thousand checks each."""
    random = np.random.default_rng(1)
    rows = log_source("batching", random, true_values(random))(sequence.PLANS["logprobs"].baseline + CHECKS)
    samples = [Sample(top={f"t{n}": round(float(v), 4) for n, v in enumerate(row)}, form="") for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sampled.sqlite"
        put_sqlite(path)
        app = create_app({"instance": Path(folder), "database_url": f"sqlite:///{path}"})
        with app.app_context():
            learned = len(samples) - CHECKS
            model = _registered()
            yield Finding(
                "CPU of a check's sample, learning", _cpu_ms(model, samples[:learned]), "ms", at_most=1
            )
            yield Finding(
                "CPU of a check's sample, compared", _cpu_ms(model, samples[learned:]), "ms", at_most=1
            )
            database.let_go()


def _registered() -> str:
    model = a_model(capabilities=LOGPROBS)
    db.session.add(model)
    db.session.commit()
    adopt_new(now())
    return str(model.id)


def _cpu_ms(id: str, samples: list[Sample]) -> float:
    """Of one check: the rows are written each time; the commit is the look's own, and comes in the end."""
    model, health, known = RegisteredModel.by_id(id), ModelHealth.by_id(id), ModelIdentity.by_id(id)
    assert model is not None and health is not None
    at = known.sampled_at if known and known.sampled_at else now()
    began = time.process_time()
    for sample in samples:
        at += timedelta(minutes=5)
        sameness.take(health, model, known, sample, at)
        db.session.flush()
        known = known or ModelIdentity.by_id(id)
    spent = time.process_time() - began
    db.session.commit()
    return 1000 * spent / len(samples)
