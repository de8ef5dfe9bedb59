"""A registry that is watched, at a time that the test gives: real endpoints on loopback, nobody sleeps.

`World.pass_time` does what the workers' queue does, in the order of time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.practice.api import Practice
from app.practice.models import KEY, Model
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request, error
from app.store import vault
from app.store.base import db, new_id
from app.store.models import RegisteredModel
from app.store.watch.health import Look, ModelHealth
from app.store.watch.incidents import Incident
from app.watch.due.claims import HORIZON, Claim, adopt_new, claim
from app.watch.due.turns import Busy, take
from app.watch.looking import look_at
from app.watch.settling import settle
from tests.rows import an_endpoint

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Refusal = Callable[[Request], Reply | None]
BROKEN, WRONG_KEY, LIMITED = (
    error(404, "The model does not exist or you do not have access to it.", code="model_not_found"),
    error(401, "Incorrect API key provided.", code="invalid_api_key"),
    error(429, "Rate limit reached for requests per minute.", code="rate_limit_exceeded"),
)


class Host:
    """A practice endpoint at an address of its own. `refuse` may answer in its place; it may be cut off."""

    def __init__(self, address: str = "127.0.0.1", models: int = 1, kind: str = "chat") -> None:
        self.names = [f"m-{number}" for number in range(models)]
        self.practice = Practice([Model(name, kind) for name in self.names])
        self.address, self.kind, self.port = address, kind, 0
        self.refuse: Refusal = lambda request: None
        self.asked: list[str] = []
        self.connect()

    @property
    def base_url(self) -> str:
        """Its base URL."""
        return f"http://{self.address}:{self.port}/v1"

    def connect(self) -> None:
        """Serve, at the same port as before."""
        self.server = PracticeServer(self.respond, self.address, self.port)
        self.port = self.server.server_port
        self.server.start()

    def cut(self) -> None:
        """Refuse connections from now on."""
        self.server.stop()

    def respond(self, request: Request) -> Reply:
        """One answer."""
        body = request.json
        self.asked.append(body.get("model", "") if isinstance(body, dict) else "")
        return self.refuse(request) or self.practice.respond(request)

    def answer(self, reply: Reply | None, *names: str) -> None:
        """Answer calls for these models (all, and the catalog, where none is named) so; None: well again."""

        def refuse(request: Request) -> Reply | None:
            body = request.json
            name = body.get("model") if isinstance(body, dict) else None
            return reply if not names or name in names else None

        self.refuse = refuse


class World:
    """Models at hosts, and the time."""

    def __init__(self, app: Flask, *hosts: Host) -> None:
        self.app, self.hosts, self.now = app, hosts, START
        self.queue: list[tuple[datetime, str, int]] = []
        self.planned = START
        self.taken: list[tuple[datetime, str]] = []
        with app.app_context():
            for host in hosts:
                db.session.add_all(self._rows(host))
            db.session.commit()

    def _rows(self, host: Host) -> Iterator[RegisteredModel]:
        endpoint = an_endpoint(host.base_url, name=host.address)
        endpoint.key_ciphertext = vault.seal(KEY, endpoint.place_of("key"))
        for name in host.names:
            yield RegisteredModel(
                id=new_id(),
                model_id=name,
                display_name=f"{name} at {host.address}",
                model_type=host.kind,
                endpoint=endpoint,
                endpoint_id=endpoint.id,
                region="eu",
                health="up",
                created=START,
                updated=START,
            )

    def pass_time(self, **length: float) -> None:
        """Let so much time pass (as `timedelta` takes it): everything that is due in it happens."""
        end = self.now + timedelta(**length)
        with self.app.app_context():
            while (following := min([self.planned, *(at for at, *_ in self.queue[:1])])) <= end:
                self.now = following
                if following == self.planned:
                    self._plan()
                else:
                    self._look(*heapq.heappop(self.queue))
        self.now = end

    def _plan(self) -> None:
        self.planned += timedelta(seconds=60)
        adopt_new(self.now)
        self._enqueue(claim(self.now))

    def _enqueue(self, claims: list[Claim]) -> None:
        for one in claims:
            heapq.heappush(self.queue, (max(one.due, self.now), one.model_pk, one.turn))

    def _look(self, at: datetime, model_pk: str, turn: int) -> None:
        taken = take(model_pk, turn, at)
        assert not isinstance(taken, Busy), "looks come one after the other here"
        if taken:
            self.taken.append((at, model_pk))
            self._enqueue(settle(taken, look_at(taken, at), at))

    def states(self) -> dict[str, int]:
        """How many models are in which state, by the row of the model itself."""
        with self.app.app_context():
            found = db.session.scalars(select(RegisteredModel.health)).all()
            kept = db.session.scalars(select(ModelHealth.state)).all()
        assert sorted(found) == sorted(kept) or not kept
        return {state: found.count(state) for state in set(found)}

    def state(self, name: str) -> str:
        """The state of the one model with this id."""
        with self.app.app_context():
            return db.session.scalars(select(RegisteredModel.health).filter_by(model_id=name)).one()

    def results(self, name: str) -> list[str]:
        """What came of each look at the one model with this id."""
        with self.app.app_context():
            mine = select(RegisteredModel.id).filter_by(model_id=name).scalar_subquery()
            return list(db.session.scalars(select(Look.result).filter_by(model_pk=mine).order_by(Look.at)))

    def incidents(self) -> list[tuple[str, int, bool]]:
        """Code, number of models, and whether it is open, of every incident."""
        with self.app.app_context():
            rows = db.session.scalars(select(Incident).order_by(Incident.id))
            return [(row.code, len(row.members), row.resolved is None) for row in rows]


@contextmanager
def hosts(*made: Host) -> Iterator[tuple[Host, ...]]:
    """Hosts that end with the block."""
    yield made
    for host in made:
        host.cut()


__all__ = ["BROKEN", "HORIZON", "LIMITED", "START", "WRONG_KEY", "Host", "World", "hosts"]
