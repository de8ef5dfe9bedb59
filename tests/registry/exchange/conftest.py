"""An application for functions that read settings; no database is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture
def settings_only(app_without_database: Flask) -> Iterator[None]:
    """A current application without a database."""
    with app_without_database.app_context():
        yield
