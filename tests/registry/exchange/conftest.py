"""An application for functions that read settings; no database is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.factory import create_app


@pytest.fixture
def settings_only(tmp_path: Path) -> Iterator[None]:
    """A current application without a database."""
    with create_app({"instance": tmp_path}).app_context():
        yield
