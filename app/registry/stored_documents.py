"""Documents as they are sent: kept beside their rows, so that a read only looks one up.

Whatever changes a model through the session changes its document and the registry's revision with it, in the
same transaction. One that another version of the program made, or that is missing, is made when asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import Select, bindparam, event, insert, inspect, select, update
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from app.config import settings
from app.registry import document as document_module
from app.registry import metadata
from app.registry.document import document
from app.store import database
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.labels import ModelOwner, ModelTag
from app.store.models import RegisteredModel, RenderedDocument, Revision
from app.store.watch.events import EventCount

UNSEEN = frozenset(
    {
        "capabilities", "last_probe_id", "key_ciphertext", "created_by", "identity", "search", "seen",
        "description_folded",
    }
)  # fmt: skip
"""Columns that neither the document shows nor the list filters by."""

COUNTED_BEFORE = EventCount
"""Its listeners are registered before those below, since this module imports it: the two rows that every
writer wants are taken in one order, or two writers would wait for each other."""

_CHANGED = "muster_registry_changed"
_WRITTEN = "muster_documents_written"
_PAGES = "muster_pages"
_PAGES_KEPT = 16
_KEPT = select(RenderedDocument.etag, RenderedDocument.body).where(
    RenderedDocument.model_pk == bindparam("id"), RenderedDocument.stamp == bindparam("stamp")
)
_REVISION = select(Revision.value).where(Revision.id == 1)
_COUNTED = update(Revision).where(Revision.id == 1).values(value=Revision.value + 1)
_SENT: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("stamp", "etag", "body")}
_REPLACED = update(RenderedDocument).where(RenderedDocument.model_pk == bindparam("id")).values(_SENT)
_ADDED = insert(RenderedDocument).values(_SENT | {"model_pk": bindparam("id")})
"""What a document is kept by; made once, since that takes longer than running it."""


class Page(NamedTuple):
    """Documents as a JSON array; `cursor` is the last one's id where more follow."""

    body: bytes
    cursor: str | None


class StoredDocument(NamedTuple):
    """A document's ETag, quoted, and its bytes."""

    etag: str
    body: bytes


def encoded(value: Any) -> bytes:
    """A value as JSON in UTF-8 without white space. NaN would be no JSON, so it must not get this far."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def etag_of(body: bytes) -> str:
    """The ETag of a body, quoted."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def decoded(ready: StoredDocument) -> Any:
    """The JSON value of a document."""
    return json.loads(ready.body)


def render(model: RegisteredModel) -> StoredDocument:
    """The document of a row as it is now."""
    body = encoded(document(model))
    return StoredDocument(etag_of(body), body)


def made_by() -> str:
    """What a kept document must have been made by: this workspace and this program."""
    chosen = settings()
    return _stamp(chosen.workspace_id, chosen.workspace_key)


def stored(id: str) -> StoredDocument | None:
    """The document of the model with this id, as it was last committed; None where there is no such model."""
    found = database.row_of(_KEPT, {"id": id, "stamp": made_by()})
    return StoredDocument(found.etag, found.body) if found else refresh([id]).get(id)


def just_written(id: str) -> StoredDocument | None:
    """The document as this session wrote it last, whatever others did since; None where it did not."""
    documents: dict[str, StoredDocument] = db.session.info.get(_WRITTEN, {})
    return documents.get(id)


def bodies(ids: Select[Any]) -> list[tuple[str, bytes]]:
    """Id and document of the models whose ids a query selects, newest first."""
    page = ids.subquery()
    kept_one = RenderedDocument
    query = select(page.c.id, kept_one.stamp, kept_one.body).outerjoin(
        kept_one, kept_one.model_pk == page.c.id
    )
    rows = db.session.execute(query.order_by(page.c.id.desc())).all()
    mine = made_by()
    stale = [id for id, made_by, _ in rows if made_by != mine]
    fresh = refresh(stale) if stale else {}
    return [(id, fresh[id].body if id in fresh else body) for id, _, body in rows if id in fresh or body]


def list_etag(counted: int, query: bytes) -> str:
    """The ETag of the list for a query string, at a revision of the registry."""
    return f'"{counted}-{made_by()}-{hashlib.sha256(query).hexdigest()[:16]}"'


def page(name: str, ids: Callable[[], Select[Any]], limit: int) -> Page:
    """At most `limit` documents of the models that `ids`' query selects, as one JSON array.

    `name` is the ETag of just this page at just this revision, so that neither the page nor its query need be
    made again until something changes. The query selects one more than `limit`, to tell of others.
    """
    pages: OrderedDict[str, Page] = current_app.extensions.setdefault(_PAGES, OrderedDict())
    made = pages.get(name)
    if made is None:
        found = bodies(ids())
        cursor = found[limit - 1][0] if len(found) > limit else None
        made = pages[name] = Page(b"[" + b",".join(body for _, body in found[:limit]) + b"]", cursor)
        while len(pages) > _PAGES_KEPT:
            pages.popitem(last=False)
    return made


def pieces(first: Page, more: Callable[[str], Select[Any]], limit: int) -> Iterator[bytes]:
    """The JSON array of all documents, page by page, each read when the one before has been sent.

    `more` gives the query for what follows after an id, at most `limit` and one to tell of others.
    """
    body, cursor = first
    yield body.removesuffix(b"]")
    while cursor:
        found = bodies(more(cursor))
        db.session.rollback()  # a slow reader holds no connection
        cursor = found[limit - 1][0] if len(found) > limit else None
        yield b"".join(b"," + each for _, each in found[:limit])
    yield b"]"


def refresh(ids: Sequence[str]) -> dict[str, StoredDocument]:
    """Make and keep new documents of these models; gives those that exist. Commits."""
    db.session.execute(
        update(RegisteredModel).where(RegisteredModel.id.in_(ids)).values(id=RegisteredModel.id)
    )
    query = (
        select(RegisteredModel).where(RegisteredModel.id.in_(ids)).execution_options(populate_existing=True)
    )
    made = {model.id: render(model) for model in db.session.scalars(query)}
    _keep(db.session(), made.items())
    db.session.commit()
    return made


def revision() -> int:
    """How often the registry has changed. Read before the models, it never promises too much."""
    found = database.row_of(_REVISION, {})
    return found.value if found else 0


@lru_cache
def _stamp(*workspace: str) -> str:
    made_of = (document_module.__file__, metadata.__file__)
    source = b"".join(Path(file).read_bytes() for file in made_of)
    return hashlib.sha256("\0".join(workspace).encode() + source).hexdigest()[:16]


def _keep(session: Session, made: Iterable[tuple[str, StoredDocument]]) -> None:
    connection = session.connection()
    for id, each in made:
        values = {"id": id, "new_stamp": made_by(), "new_etag": each.etag, "new_body": each.body}
        if connection.execute(_REPLACED, values).rowcount == 0:
            connection.execute(_ADDED, values)


def _changed(model: RegisteredModel) -> set[str]:
    state = inspect(model)
    touched = set(state.mapper.attrs.keys()) - state.unmodified - UNSEEN
    return {key for key in touched if get_history(model, key, PASSIVE_NO_INITIALIZE).has_changes()}


# A list may be narrowed by labels, although no document shows them.
_LISTED = (RegisteredModel, ModelTag, ModelOwner)


def _written(session: Session) -> list[RegisteredModel]:
    """The models whose documents may be others now: their own rows were written, or their endpoint's."""
    rows = [
        row for row in (*session.new, *session.dirty) if isinstance(row, RegisteredModel) and _changed(row)
    ]
    homes = [row.id for row in session.dirty if isinstance(row, Endpoint) and _shows(row)]
    if homes:
        served = select(RegisteredModel).where(RegisteredModel.endpoint_id.in_(homes))
        rows += [row for row in session.scalars(served) if row not in rows]
    return rows


def _shows(endpoint: Endpoint) -> bool:
    """Whether something of an endpoint changed that the documents of its models show."""
    state = inspect(endpoint).attrs
    return bool(state.key_env.history.has_changes() or state.base_url.history.has_changes())


@event.listens_for(db.session, "before_flush")
def _date(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """`updated` tells when the document changed: a probe that saw nothing new does not touch it."""
    for model in session.dirty:
        if isinstance(model, RegisteredModel) and _changed(model) - {"health", "updated"}:
            model.updated = now()


@event.listens_for(db.session, "after_flush")
def _follow(session: Session, _context: UOWTransaction) -> None:
    changed = _written(session)
    if changed or any(isinstance(row, _LISTED) for row in (*session.deleted, *session.new)):
        session.info[_CHANGED] = True
    made = {model.id: render(model) for model in changed}
    _keep(session, made.items())
    session.info.setdefault(_WRITTEN, {}).update(made)


@event.listens_for(db.session, "before_commit")
def _count(session: Session) -> None:
    # Last of all statements, so that this one row, which every writer wants, is held as shortly as can be.
    session.flush()
    if session.info.pop(_CHANGED, False):
        session.execute(_COUNTED)


@event.listens_for(db.session, "after_soft_rollback")
def _forget(session: Session, _transaction: Any) -> None:
    session.info.pop(_CHANGED, None)
    session.info.pop(_WRITTEN, None)
