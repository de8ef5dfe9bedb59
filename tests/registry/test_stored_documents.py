"""Documents as they are kept: always those of the row, whoever changed it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from app.factory import create_app
from app.registry import stored_documents
from app.registry.document import document
from app.store import database
from app.store.base import db, new_id
from app.store.models import RegisteredModel, RenderedDocument
from tests.rows import a_model

pytestmark = pytest.mark.both_databases


def add(**changes: Any) -> RegisteredModel:
    """A row, committed."""
    model = a_model(
        model_id="m", display_name="M", model_type="chat", region="eu",
        base_url=f"https://{new_id()}.example.com/v1", observed={}, capabilities={}, **changes,
    )  # fmt: skip
    db.session.add(model)
    db.session.commit()
    return model


@pytest.fixture(autouse=True)
def context(app: Flask) -> Any:
    """Every test here is about the session."""
    with app.app_context():
        yield


def is_current(model: RegisteredModel) -> bool:
    """Whether the kept document is what a row read afresh gives, down to the bytes."""
    db.session.expire_all()
    kept = db.session.scalars(select(RenderedDocument).where(RenderedDocument.model_pk == model.id)).one()
    return bytes(kept.body) == stored_documents.encoded(document(model)) and stored_documents.stored(
        model.id
    ) == (
        kept.etag,
        kept.body,
    )


@pytest.mark.parametrize(
    "change",
    [{"display_name": "New"}, {"enabled": False}, {"input_cost": 3.0}, {"supports_vision": False},
     {"observed": {"supports_streaming": True}}, {"temperature": 0.1 + 0.2}, {"key_env": "MUSTER_KEY_X"},
     {"description": "\u00fc\n"}],
)  # fmt: skip
def test_a_change_changes_the_document_and_the_revision(change: dict[str, Any]) -> None:
    model = add()
    assert is_current(model)
    etag, revision = stored_documents.stored(model.id).etag, stored_documents.revision()  # type: ignore[union-attr]
    db.session.expire_all()
    for name, value in change.items():
        setattr(model.endpoint if name == "key_env" else model, name, value)
    db.session.commit()
    assert is_current(model) and stored_documents.stored(model.id).etag != etag  # type: ignore[union-attr]
    assert stored_documents.revision() == revision + 1


def test_health_changes_the_revision_since_the_list_filters_by_it() -> None:
    model = add()
    revision = stored_documents.revision()
    model.health = "down"
    db.session.commit()
    assert stored_documents.revision() == revision + 1 and is_current(model)


def test_what_nobody_sees_changes_nothing() -> None:
    model = add()
    before, revision, updated = stored_documents.stored(model.id), stored_documents.revision(), model.updated
    model.capabilities = {"vision": {}}
    model.last_probe_id = new_id()
    model.observed = {}
    db.session.commit()
    assert (stored_documents.stored(model.id), stored_documents.revision()) == (before, revision)
    assert is_current(model) and model.updated == updated


def test_a_rolled_back_change_leaves_no_trace() -> None:
    model = add()
    before, revision = stored_documents.stored(model.id), stored_documents.revision()
    model.display_name = "Never"
    db.session.flush()
    db.session.rollback()
    db.session.commit()
    assert (stored_documents.stored(model.id), stored_documents.revision()) == (before, revision)


def test_deleting_takes_the_document_along_and_counts() -> None:
    model = add()
    id, revision = model.id, stored_documents.revision()
    db.session.delete(model)
    db.session.commit()
    assert stored_documents.stored(id) is None and stored_documents.revision() == revision + 1
    assert db.session.scalars(select(RenderedDocument)).all() == []


def test_one_that_is_missing_or_of_another_program_is_made_when_asked_for() -> None:
    models = [add(enabled=bool(number)) for number in range(3)]
    db.session.execute(text("DELETE FROM rendered_documents WHERE model_pk = :id"), {"id": models[0].id})
    db.session.execute(
        text("UPDATE rendered_documents SET stamp = 'old', body = :body WHERE model_pk = :id"),
        {"id": models[1].id, "body": b"{}"},
    )
    db.session.commit()
    listed = stored_documents.bodies(RegisteredModel.matching_in_index(RegisteredModel.id))
    assert [id for id, _ in listed] == [model.id for model in reversed(models)]
    assert all(body == stored_documents.render(RegisteredModel.by_id(id)).body for id, body in listed)  # type: ignore[arg-type]
    assert all(is_current(model) for model in models)


def test_another_workspace_makes_other_documents(app: Flask) -> None:
    id = add().id
    chosen = app.config["MUSTER"]
    other = create_app(
        {"instance": chosen.instance, "database_url": chosen.database, "workspace_key": "other"}
    )
    with other.app_context():
        made = stored_documents.stored(id)
        assert made is not None and b'"other@openailike/m"' in made.body
        db.session.remove()
        database.let_go()


def test_what_was_written_is_what_this_session_wrote(app: Flask) -> None:
    id = add(description="first").id
    mine = stored_documents.just_written(id)
    assert mine is not None and mine == stored_documents.stored(id)
    with app.app_context():
        db.session.get_one(RegisteredModel, id).description = "second"
        db.session.commit()
    assert stored_documents.just_written(id) == mine != stored_documents.stored(id)
    db.session.get_one(RegisteredModel, id).description = "third"
    db.session.flush()
    db.session.rollback()
    assert stored_documents.just_written(id) is None


def test_idle_connections_that_the_server_closed_are_not_used() -> None:
    id = add().id
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        chosen = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(chosen, autocommit=True) as outside:
            outside.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    assert stored_documents.stored(id) is not None
    assert RegisteredModel.by_id(id) is not None
