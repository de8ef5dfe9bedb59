"""What of a model is shown to whom: the values of a base URL's query may be keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlalchemy.orm import make_transient

from app.probe.base_url import without_query_values
from app.store.base import db
from app.store.models import RegisteredModel

_BASE_URL = re.compile(rb'("base_url": ?")([^"?\\]*\?(?:[^"\\]|\\.)*)"')


def as_seen(models: Iterable[RegisteredModel], *, whole_url: bool) -> Iterator[RegisteredModel]:
    """The same models; where `whole_url` is False, without the query values of their base URLs.

    Such a model is taken out of the session, so that nothing of it can be stored.
    """
    for model in models:
        if not whole_url and "?" in model.base_url:
            db.session.expunge(model)
            make_transient(model)
            model.base_url = without_query_values(model.base_url)
        yield model


def body_as_seen(body: bytes) -> bytes:
    """A JSON body without the query values of the base URLs in it."""
    return _BASE_URL.sub(lambda found: found[1] + _hidden(found[2]) + b'"', body)


def _hidden(url: bytes) -> bytes:
    return without_query_values(url.decode()).replace("…", "\\u2026").encode()
