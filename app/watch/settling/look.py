"""A look with the rows that it is about, and what is planned after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch, ModelHealth, WatchCost
from app.store.watch.samples import ModelIdentity
from app.watch.due.claims import plan_of
from app.watch.due.schedule import Spent, allowed_every_s, next_due
from app.watch.judgement import Rules
from app.watch.looking import Seen


@dataclass
class Settled:
    """A look with the rows that it is about, as they are held."""

    place: EndpointWatch
    row: ModelHealth
    model: RegisteredModel
    cost: WatchCost | None
    """Of today; None before the first look of the day."""
    identity: ModelIdentity | None
    seen: Seen
    now: datetime
    rules: Rules
    spent: Spent = Spent()
    """What the watch of the model has used today, with this look."""

    @property
    def id(self) -> str:
        """The model's."""
        return self.row.model_pk

    @cached_property
    def there(self) -> list[ModelHealth]:
        """Every watched model of the endpoint, the oldest first; read once, as the endpoint's row is held."""
        return ModelHealth.at_endpoint(self.place.endpoint_id)


def plan_next(look: Settled, seconds: int) -> None:
    """Set when the model is looked at next: in so many seconds, or rarer where its tokens end."""
    every_s = allowed_every_s(plan_of(look.row), look.spent, look.now)
    wait = every_s if seconds >= look.rules.every_s else seconds
    look.row.due = next_due(look.id, look.now, wait, every_s)
