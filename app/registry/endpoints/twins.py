"""Two models of an endpoint that would be one: the same id and type at the same base URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from app.errors import ApiError
from app.registry.probing import Values
from app.store.base import db
from app.store.models import RegisteredModel


def identity_of(values: Values) -> tuple[str, str, str]:
    """What no two models share: model_id, base_url, model_type."""
    return values["model_id"], values["base_url"], values["model_type"]


def same_as(values: Values) -> RegisteredModel | None:
    """The model that is registered and would be the same as one of these values."""
    return RegisteredModel.same_as(*identity_of(values))


@contextmanager
def refusing_same(values: Values) -> Iterator[None]:
    """Around what writes a model: of two at once that want the same three, one gets ApiError 409 here."""
    try:
        yield
    except IntegrityError as error:
        db.session.rollback()
        found = same_as(values)
        if found is None:
            raise
        raise _already_exists(found) from error


def refuse_same(values: Values, but: str | None = None) -> None:
    """ApiError 409 where another model than `but` (an id) is the same already."""
    found = same_as(values)
    if found is not None and found.id != but:
        raise _already_exists(found)


def refuse_twins(many: Iterable[Values]) -> None:
    """ApiError 409 where two of many would be the same model."""
    seen: set[tuple[str, str, str]] = set()
    for values in many:
        if identity_of(values) in seen:
            message = f"{values['model_id']} stands twice among them with the same base_url and model_type."
            raise ApiError("already_exists", f"{message} Send it once.", field="model_id")
        seen.add(identity_of(values))


def _already_exists(same: RegisteredModel) -> ApiError:
    return ApiError(
        "already_exists",
        "This model is registered already, with the same base URL and type: "
        f"“{same.display_name}”, id {same.id}. Change that one, or delete it first.",
        field="model_id",
    )
